#!/usr/bin/env python3
"""The container suite: brings docker-compose.yml up unchanged in a real engine and uses the mesh from outside.
Usage: run.py --work DIRECTORY   (holds the engine's images between runs; a file system on disk)
Exit status: 0 passed, 1 failed, 77 skipped because no engine can run here."""

import argparse
import os
import pathlib
import signal
import sys
import time
import traceback

import scale
import shop
from engine import Unavailable, engine, ensure_packages
from images import make_base, make_debian, make_prometheus, provide, run
from mesh import Composition
from scenario import (a_cpu_quota_is_respected, calls_cross_the_mesh, containers_are_hardened, image_is_small,
                      nothing_is_left, one_node_stops_and_returns, prometheus_sees_everything)

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = 77
# Named, so that pruning keeps its layers: packages and compiled sources are not made again.
BUILD_STAGE_IMAGE = "weft-build:local"
BASE_IMAGE = "weft-suite-base:local"
ON_BASE = ("--build-arg", f"BASE_IMAGE={BASE_IMAGE}")


class Report:
    """Runs the steps and says after each how it went."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, float]] = []

    def step(self, name: str, action, *arguments):
        print(f"==> {name}", flush=True)
        begin = time.monotonic()
        result = "failed"
        try:
            detail = action(*arguments)
            result = "passed"
            if detail:
                print(f"    {detail}", flush=True)
        finally:
            self.rows.append((name, result, time.monotonic() - begin))

    def show(self) -> None:
        print("\ncontainer suite:")
        for name, result, seconds in self.rows:
            print(f"  {result:7} {seconds:7.1f} s  {name}")


def build_node_image(environment: dict[str, str]) -> None:
    dockerfile = str(ROOT / "deploy/Dockerfile")
    run(["docker", "build", *ON_BASE, "--target", "build", "--tag", BUILD_STAGE_IMAGE, "--file", dockerfile, str(ROOT)],
        environment)


def exercise(report: Report, composition: Composition) -> None:
    report.step("docker-compose build", composition.compose, "build", *ON_BASE)
    report.step("image: small, non-root, no shell", image_is_small, composition)
    report.step("a container's CPU quota is respected", a_cpu_quota_is_respected, composition)
    try:
        report.step("docker-compose up: three nodes become healthy", composition.up)
        report.step("containers are hardened", containers_are_hardened, composition)
        report.step("calls from the host and across nodes", calls_cross_the_mesh, composition)
        report.step("Prometheus sees three targets and the calls", prometheus_sees_everything, composition)
        report.step("a node stops, the others go on, it returns", one_node_stops_and_returns, composition)
    except Exception:
        print(composition.logs(), file=sys.stderr)
        raise
    finally:
        report.step("docker-compose down", composition.down)
    report.step("nothing is left in the engine", nothing_is_left, composition)


def exercise_scaling(report: Report, environment: dict[str, str]) -> None:
    composition = Composition(ROOT, environment, scale.FILE, scale.PROJECT)
    composition.down()
    report.step(f"a service scales from 1 to {scale.REPLICAS} nodes and back", scale.scales_up_and_down, composition)
    report.step("nothing is left of it in the engine", nothing_is_left, composition)


def exercise_shop(report: Report, environment: dict[str, str]) -> None:
    composition = Composition(ROOT, environment, shop.FILE, shop.PROJECT)
    composition.down()
    report.step("the shop: docker-compose build", composition.compose, "build", *ON_BASE, "a", "users-1")
    report.step("the shop: orders through three nodes", shop.orders_go_through, composition)
    report.step("nothing is left of it in the engine", nothing_is_left, composition)


def suite(work: pathlib.Path, report: Report) -> None:
    ensure_packages(ROOT)
    with engine(work) as (environment, ours):
        print("an engine of our own" if ours else "the engine that runs here already", flush=True)
        composition = Composition(ROOT, environment)
        composition.refuse_to_disturb(ours)
        report.step("image debian:bookworm-slim", provide, "debian:bookworm-slim", make_debian, environment)
        prometheus_image = composition.image_of("prometheus")
        report.step(f"image {prometheus_image}", provide, prometheus_image, make_prometheus, environment)
        report.step("base of the images", make_base, BASE_IMAGE, ROOT, environment)
        report.step("docker build", build_node_image, environment)
        exercise(report, composition)
        exercise_scaling(report, environment)
        exercise_shop(report, environment)
        if ours:
            # What earlier builds left; in an engine that others use too it would be theirs to decide.
            run(["docker", "image", "prune", "--force"], environment)


def out_of_time(*_) -> None:
    raise TimeoutError("the suite's own time is over")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=pathlib.Path, required=True, help="holds the engine's images between runs")
    parser.add_argument("--limit-s", type=int, default=1400, help="ends the suite in order after so many seconds")
    arguments = parser.parse_args()
    work, limit_s = arguments.work.resolve(), arguments.limit_s
    work.mkdir(parents=True, exist_ok=True)
    os.chdir(work)
    # An interrupted suite takes its containers and its engine down as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # Sooner than ctest, which would kill it and leave the engine's bridges and rules on the machine.
    signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(limit_s)
    report = Report()
    try:
        suite(work, report)
    except Unavailable as why:
        print(f"SKIPPED: the container suite needs a Docker engine: {why}", file=sys.stderr)
        return SKIPPED
    except Exception:
        traceback.print_exc()
        report.show()
        return 1
    report.show()
    return 0


if __name__ == "__main__":
    sys.exit(main())
