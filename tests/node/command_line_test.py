"""The command line of the program: what it prints, what it refuses, and with which exit code."""

import itertools
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from node_process import NodeProcess, _environment  # noqa: E402

FAILED, USAGE = 1, 64


def weft(*arguments, **variables):
    """Runs the program without any WEFT_ variable but these."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WEFT_")}
    return subprocess.run([os.environ["WEFT_BIN"], *arguments], env={**environment, **variables}, text=True,
                          capture_output=True, timeout=60)


def without_comments(text):
    """The printed configuration as plain JSON: its comments stand at the ends of lines."""
    return json.loads(re.sub(r"  // .*$", "", text, flags=re.MULTILINE))


class Program(unittest.TestCase):
    def assert_refused(self, run, *complaints):
        self.assertEqual(run.returncode, USAGE, run)
        self.assertEqual(run.stdout, "")
        for complaint in complaints:
            self.assertIn(complaint, run.stderr)

    def test_version_and_help(self):
        self.assertRegex(weft("--version").stdout, r"^weft \d+\.\d+\.\d+\n$")
        for command in ((), ("node",), ("call",), ("gen",), ("bench",), ("health",)):
            run = weft(*command, "--help")
            self.assertEqual(run.returncode, 0, run)
            self.assertIn("Usage:", run.stdout)

    def test_wrong_subcommands_name_the_right_ones(self):
        self.assert_refused(weft(), "a subcommand is missing; use one of node, call, bench, health")
        self.assert_refused(weft("nod"), '"nod" is not a subcommand, the nearest is "node"')
        self.assert_refused(weft("--bogus"), "--bogus")


    def test_unknown_flags_of_every_subcommand_name_the_nearest(self):
        for arguments, unknown, nearest in ((("call", "--tokn-file", "f", "127.0.0.1:1", "m"), "--tokn-file", "--token-file"),
                                            (("bench", "127.0.0.1:1", "--pipelin", "3"), "--pipelin", "--pipeline"),
                                            (("health", "--timout", "1s"), "--timout", "--timeout"),
                                            (("routes", "127.0.0.1:1", "--jsn"), "--jsn", "--json"),
                                            (("gen", "python", "127.0.0.1:1", "--nam", "x"), "--nam", "--name"),
                                            (("node", "--lisen", "a:1"), "--lisen", "--listen"),
                                            (("--versoin",), "--versoin", "--version")):
            with self.subTest(arguments):
                self.assert_refused(weft(*arguments), f"flag {unknown}: unknown; the nearest known one is {nearest}")

    def test_nothing_is_suggested_that_is_not_near(self):
        for arguments in (("routes", "127.0.0.1:1", "--bogus"), ("node", "--bogus"), ("frobnicate",)):
            with self.subTest(arguments):
                run = weft(*arguments)
                self.assert_refused(run, arguments[-1])
                self.assertNotIn("nearest", run.stderr)

    def test_bench_says_which_flags_do_not_go_together(self):
        stream = ("bench", "127.0.0.1:1", "--stream", "--method", "demo.count")
        for arguments, complaint in ((("bench", "127.0.0.1:1", "--stream"), "--stream requires --method"),
                                     ((*stream, "--rate", "5"), "--rate excludes --stream"),
                                     ((*stream, "--batch", "2"), "--batch excludes --stream"),
                                     ((*stream, "--idle", "2"), "--stream excludes --idle"),
                                     ((*stream, "--credit", "0"), "--credit"),
                                     ((*stream, "--credit", "1000001"), "--credit"),
                                     (("bench", "127.0.0.1:1", "--credit", "5"), "--credit requires --stream")):
            with self.subTest(arguments):
                self.assert_refused(weft(*arguments), complaint)


    def test_a_token_on_the_command_line_is_shown_the_way_into_a_file(self):
        for arguments, right in ((("call", "127.0.0.1:1", "m", "--token", "t"), ["--token-file FILE"]),
                                 (("bench", "127.0.0.1:1", "--token=t"), ["--token-file FILE"]),
                                 (("node", "--token", "t"), ["--peer-token-file FILE", "--auth-tokens-file FILE"])):
            with self.subTest(arguments):
                self.assert_refused(weft(*arguments), "flag --token: unknown; ", *right)


class Output(unittest.TestCase):
    """What cannot be printed is a failure with a message, and goes nowhere else."""

    def run_to(self, redirection, *arguments):
        command = shlex.join([os.environ["WEFT_BIN"], *arguments])
        return subprocess.run(["bash", "-c", f"{command} {redirection}"], text=True, capture_output=True,
                              env=_environment(), stdin=subprocess.DEVNULL, timeout=60)

    def test_a_full_disk_or_a_closed_standard_output_fails_every_command(self):
        with NodeProcess() as node:
            listen, admin = node.listen, "%s:%d" % node.admin_address
            for arguments in (["call", listen, "demo.sum", '{"values": [1, 2]}'],
                              ["call", listen, "demo.count", '{"to": 2}', "--stream"], ["routes", admin],
                              ["routes", admin, "--json"], ["health", admin], ["gen", "python", listen],
                              ["bench", listen, "--duration", "10ms", "--warmup", "0s"],
                              ["bench", listen, "--idle", "1", "--duration", "10ms"],
                              ["bench", listen, "--stream", "--method", "demo.count", "--params", '{"to": 2}',
                               "--duration", "10ms", "--warmup", "0s"],
                              ["node", "--print-config"], ["node", "--print-reference"],
                              ["node", "--check-config"], ["--help"], ["node", "--help"], ["--version"]):
                for redirection, reason in ((">/dev/full", "No space left on device"),
                                            (">&-", "Bad file descriptor")):
                    with self.subTest(arguments=arguments, redirection=redirection):
                        run = self.run_to(redirection, *arguments)
                        # Not 2: whoever tries again without a connection would do twice what was done.
                        self.assertEqual(run.returncode, FAILED, run)
                        self.assertIn("standard output", run.stderr)
                self.assertEqual(self.run_to("", *arguments).returncode, 0)
            self.assertEqual(node.metric("weft_framing_errors_total"), 0)
            self.assertEqual(node.metric("weft_messages_total", kind="invalid"), 0)

    def test_closed_descriptors_are_not_taken_by_sockets(self):
        with NodeProcess() as node:
            for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
                self.run_to(closed, "call", node.listen, "demo.sum", "[]")
                self.run_to(closed, "nonsense", "\x1b[2J")
            self.assertEqual(node.metric("weft_framing_errors_total"), 0)
            self.assertEqual(node.metric("weft_messages_total", kind="invalid"), 0)

    def test_errors_do_not_obey_their_arguments(self):
        run = weft("call", "127.0.0.1:1", "a\u202e\x1b[2J\u009b")
        self.assertEqual(run.returncode, 2)
        run = weft("\u202e\x1b[2J")
        self.assertEqual(run.returncode, USAGE)
        self.assertIn("\\u202e\\x1b[2J", run.stderr)
        self.assertNotRegex(run.stderr, "[\x00-\x09\x0b-\x1f\u0080-\u009f\u202e]")

    def test_an_answer_keeps_its_value_and_moves_no_terminal(self):
        with NodeProcess() as node:
            text = "\u009b2J\u202e\u2028\U000e0041\u00e4"
            run = weft("call", node.listen, "demo.echo", json.dumps([text], ensure_ascii=False))
            self.assertEqual(run.returncode, 0, run)
            self.assertEqual(json.loads(run.stdout), [text])
            self.assertNotRegex(run.stdout, "[\u0080-\u009f\u2028\u202e\U000e0041]")


class Configuration(Program):
    def test_print_config_shows_values_and_origins_and_can_be_fed_back(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "weft.json")
            path.write_text('{"limits": {"depth": 20, "batch_size": 7}, /* who */ "id": "a"}')
            first = weft("node", "--config", str(path), "--print-config", "--id", "b", "--peer", "c=c:1",
                         "--peer", "d=[::1]:2", "--protocol-require-version=false",
                         WEFT_LIMITS_DEPTH="30", WEFT_DEMO="true")
            self.assertEqual(first.returncode, 0, first.stderr)
            values = without_comments(first.stdout)
            self.assertEqual(values["id"], "b")
            self.assertEqual(values["peers"], ["c=c:1", "d=[::1]:2"])
            self.assertEqual(values["limits"]["depth"], 30)
            self.assertEqual(values["limits"]["batch_size"], 7)
            self.assertEqual(values["limits"]["frame_bytes"], "1MiB")
            self.assertIs(values["protocol"]["require_version"], False)
            self.assertIs(values["demo"], True)
            for line in ('"id": "b",  // flag --id',
                         '"depth": 30,  // environment variable WEFT_LIMITS_DEPTH',
                         f'"batch_size": 7,  // file "{path}"', '"frame_bytes": "1MiB",  // default'):
                self.assertIn(line, first.stdout)

            path.write_text(first.stdout)
            second = weft("node", "--print-config", WEFT_CONFIG=str(path))
            self.assertEqual(second.returncode, 0, second.stderr)
            self.assertEqual(without_comments(second.stdout), values)

    def test_check_config_only_validates(self):
        run = weft("node", "--check-config", "--listen", "[::1]:7400")
        self.assertEqual((run.returncode, run.stdout), (0, "the configuration is valid\n"))
        self.assert_refused(weft("node", "--check-config", "--listen", "::1"), "flag --listen")

    def test_files_with_secrets_are_checked_with_the_rest(self):
        with tempfile.TemporaryDirectory() as folder:
            tokens, token = pathlib.Path(folder, "tokens.json"), pathlib.Path(folder, "token")
            secret = "0123456789abcdef"
            tokens.write_text('{"identities": [{"name": "mesh", "token": "%s", "node": true}]}' % secret)
            token.write_text(secret)
            options = ("--auth-tokens-file", str(tokens), "--peer-token-file", str(token))
            for file in tokens, token:
                file.chmod(0o644)
            run = weft("node", "--check-config", *options)
            self.assert_refused(run, f"auth.tokens_file: file \"{tokens}\" cannot be used: its mode 0644",
                                f"auth.peer_token_file: file \"{token}\" cannot be used: its mode 0644")
            for file in tokens, token:
                file.chmod(0o600)
            self.assertEqual(weft("node", "--check-config", *options).returncode, 0)
            self.assertNotIn(secret, weft("node", "--print-config", *options).stdout)
            tokens.write_text('{"identities": [{"name": "mesh", "token": "%s" "node": true}]}' % secret)
            run = weft("node", *options)
            self.assert_refused(run, "auth.tokens_file")
            self.assertNotIn(secret, run.stderr)

    def test_the_example_of_a_tokens_file_only_lacks_tokens(self):
        example = pathlib.Path(__file__).resolve().parents[2] / "deploy/tokens.example.json"
        text = example.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            tokens = pathlib.Path(folder, "tokens.json")
            tokens.touch(0o600)
            tokens.write_text(text)
            run = weft("node", "--check-config", "--auth-tokens-file", str(tokens))
            self.assert_refused(run, 'identity "orders": a token', 'identity "mesh": a token')
            self.assertEqual(len(run.stderr.splitlines()), 2, run.stderr)
            numbers = itertools.count()
            tokens.write_text(re.sub('"<.*>"', lambda _: f'"0123456789abcdef-{next(numbers)}"', text))
            run = weft("node", "--check-config", "--auth-tokens-file", str(tokens))
            self.assertEqual((run.returncode, run.stderr), (0, ""))
            self.assertEqual(next(numbers), 2)

    def test_every_mistake_is_reported_at_once(self):
        run = weft("node", "--lisen", "a:1", "--limits-depth=1", "--demo=maybe", "stray", "--config",
                   "/nowhere.json", WEFT_LIMITS_FRAME_BYTES="1048576", WEFT_LIMIT_DEPTH="3")
        self.assert_refused(run,
                            "flag --lisen: unknown; the nearest known one is --listen\n",
                            "flag --limits-depth: 1 is out of range; use 2 to 1024\n",
                            'flag --demo: "maybe" is not a truth value; use true or false\n',
                            'argument "stray": not expected',
                            'configuration file "/nowhere.json" cannot be read: No such file or directory',
                            "environment variable WEFT_LIMITS_FRAME_BYTES: ",
                            "environment variable WEFT_LIMIT_DEPTH: unknown; the nearest known one is "
                            "WEFT_LIMITS_DEPTH\n")
        self.assertEqual(len(run.stderr.splitlines()), 7, run.stderr)

    def test_rules_and_hosts_that_are_wrong(self):
        run = weft("node", "--check-config", "--hedge", "t*=90", "--balance", "*=p2c", "--balance", "users.*=round_robin",
                   "--limits-method-in-flight", "*.get=3", "--listen", "local host:1", "--admin", "-a.b:1", "--peer", "b=b/c:1")
        self.assert_refused(run, 'flag --hedge: "t*=90": "t*" is no pattern of methods; use an exact name, prefix.*, such as t.*,',
                            'flag --balance: "users.*=round_robin" never counts, because "*=p2c" stands before it',
                            'flag --limits-method-in-flight: "*.get=3": "*.get" is no pattern of methods',
                            'flag --listen: "local host:1": "local host" is not a host name',
                            'flag --admin: "-a.b:1": "-a.b" is not a host name; its parts neither begin nor end',
                            'flag --peer: "b/c:1": "b/c" is not a host name')
        self.assertEqual(len(run.stderr.splitlines()), 6, run.stderr)

    def test_the_variable_of_the_clients_is_none_of_a_node(self):
        self.assert_refused(weft("node", "--check-config", WEFT_TOKEN="0123456789abcdef"),
                            "environment variable WEFT_TOKEN: unknown; ", "a node takes its tokens from files")

    def test_the_variable_that_names_the_program_to_tests_is_passed_over(self):
        run = weft("node", "--check-config", WEFT_BIN="build/release/weft")
        self.assertEqual((run.returncode, run.stderr), (0, ""))

    def test_a_handover_that_exceeds_the_drain(self):
        run = weft("node", "--check-config", "--drain-timeout", "500ms", "--drain-handover", "2s")
        self.assert_refused(run, 'drain_handover "2s" (flag --drain-handover) exceeds drain_timeout "500ms" (flag --drain-timeout)')
        for fine in ("--drain-timeout", "500ms"), ("--drain-timeout", "2s", "--drain-handover", "2s"):
            self.assertEqual(weft("node", "--check-config", *fine).returncode, 0)

    def test_flags_without_a_value_or_given_twice(self):
        self.assert_refused(weft("node", "--listen"), "--listen")
        self.assert_refused(weft("node", "--id", "a", "--id", "b", "--check-config"),
                            "flag --id: given 2 times; give it once")


if __name__ == "__main__":
    unittest.main()
