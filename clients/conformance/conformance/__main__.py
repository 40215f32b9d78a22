"""Walks a client, or a node, through the edges of docs/protocol.md. The README beside this folder tells how.

    python3 -m conformance run --adapter "COMMAND {address}" [--level minimal|full] [--only REGEX] [--json]
    python3 -m conformance node HOST:PORT [--only REGEX] [--json]
    python3 -m conformance serve HOST:PORT [OTHER]
"""

import argparse
import re
import sys

from . import node_under_test, report, runner
from .adapter import Command
from .registry import FULL, MINIMAL, NODE, all_edges

NO_NODE, USAGE = 2, 64


class Arguments(argparse.ArgumentParser):
    def error(self, message):
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")


def parse(arguments):
    parser = Arguments(prog="conformance", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True, metavar="run|node|serve", parser_class=Arguments)
    run = commands.add_parser("run", help="a client, driven by an adapter")
    run.add_argument("--adapter", help="its command line, with {address} for HOST:PORT")
    run.add_argument("--level", choices=(MINIMAL, FULL), default=FULL)
    run.add_argument("--lanes", metavar="N", type=positive, default=4, help="clients at work at a time (%(default)s)")
    node = commands.add_parser("node", help="a node, by a service and its callers")
    node.add_argument("address", metavar="HOST:PORT")
    for each in run, node:
        each.add_argument("--only", metavar="REGEX", type=pattern, default=re.compile(""), help="edges with such names")
        each.add_argument("--json", action="store_true", help="one object instead of the table")
        each.add_argument("--limit", metavar="SECONDS", type=seconds, default=10, help="what each edge may take (%(default)s)")
        each.add_argument("--list", action="store_true", help="the edges that would be walked")
        each.add_argument("--show", action="store_true", help="the frames of edges that fail")
    serve = commands.add_parser("serve", help="the adapter without a client, at a node")
    serve.add_argument("address", metavar="HOST:PORT")
    serve.add_argument("other", metavar="OTHER", nargs="?", help="where to go while the first one drains")
    serve.add_argument("--fault", action="append", default=[], help="one thing that it does wrong, to test the suite")
    options = parser.parse_args(arguments)
    if options.command == "run" and not options.adapter:
        run.error('--adapter is missing: a command line such as "./adapter {address}"')
    return parser, options


def pattern(text):
    try:
        return re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f'"{text}" is no regular expression: {error}') from None


def seconds(text):
    try:
        if (value := float(text)) > 0:
            return value
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f'"{text}" is no number of seconds above 0')


def positive(text):
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f'"{text}" is no number above 0')
    return int(text)


def host_and_port(parser, text):
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        parser.error(f'"{text}" is no address; give HOST:PORT')
    return host.strip("[]"), int(port)


def walk(options, edges, outcomes, level):
    if options.list:
        for edge in edges:
            print(f"{edge.level:8} {edge.name:40} {edge.says}")
        return 0
    done = []
    for outcome in outcomes:
        done.append(outcome)
        if not options.json:
            print(report.line(outcome), flush=True)
            if options.show and outcome.frames:
                print(report.frames(outcome), flush=True)
    print(report.as_json(done, level) if options.json else report.summary(done, level))
    return 1 if report.count(done)[runner.FAILED] else 0


def main(arguments):
    parser, options = parse(arguments)
    if options.command == "serve":
        from . import service
        addresses = [host_and_port(parser, each) for each in (options.address, options.other) if each]
        try:
            return service.main(addresses, options.fault)
        except ValueError as error:
            parser.error(str(error))
    known = all_edges()
    try:
        if options.command == "run":
            command, level = Command(options.adapter), options.level
            edges = [each for each in known if runner.applies(each, command, level)]
        else:
            address, level = host_and_port(parser, options.address), NODE
            edges = [each for each in known if node_under_test.applies(each)]
        edges = [each for each in edges if options.only.search(each.name)]
        if not edges:
            parser.error(f'no edge matches "{options.only.pattern}"; --list shows them')
        if options.command == "run":
            walked = runner.walk(command, edges, options.limit, options.lanes)
        else:
            # A report tells the same of every edge.
            if not options.json and not options.list and (why := node_under_test.why_no_node(address, options.limit)):
                print(f"{options.address}: {why}", file=sys.stderr)
                return NO_NODE
            walked = node_under_test.walk(address, edges, options.limit)
        return walk(options, edges, walked, level)
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
