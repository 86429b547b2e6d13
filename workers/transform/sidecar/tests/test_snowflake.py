"""The sidecar on Snowflake: its sessions, and what it says of a service that is away or does not let it in."""

import json
import time
import unittest
import urllib.request
from typing import Any

import emulated
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat, PublicFormat
from warehouse import Sidecar


@unittest.skipIf(emulated.MISSING, emulated.MISSING)
class Snowflake(unittest.TestCase):
    def setUp(self) -> None:
        self.emulator = emulated.Emulator("--token-secs", "2", "--master-secs", "4")
        self.addCleanup(self.emulator.close)

    def sidecar(self, **variables: str) -> Sidecar:
        self.emulator.environment.update(variables)
        sidecar = Sidecar(self.emulator)
        self.addCleanup(sidecar.stop)
        return sidecar

    def count(self, name: str) -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.emulator.port}/emulator/counts", timeout=60) as answer:
            return json.load(answer)[name]

    def fault(self, **fault: Any) -> None:
        request = urllib.request.Request(f"http://127.0.0.1:{self.emulator.port}/emulator/faults", json.dumps(fault).encode())
        urllib.request.urlopen(request, timeout=60).close()

    def test_no_session_grows_old_between_builds(self) -> None:
        sidecar = self.sidecar()
        self.assertEqual(self.count("logins"), self.count("closes"), "to parse, nobody logs in")
        nodes, done = sidecar.build("stg_materials")
        self.assertEqual((done["rc"], done["error"]), (0, None))
        self.assertEqual(nodes["stg_materials"]["relation"], "MILL.STAGING.stg_materials")
        self.assertEqual(self.count("logins"), self.count("closes"), "all sessions are logged out")
        time.sleep(4.5)  # longer than a session can live unused
        _, done = sidecar.build("stg_materials")
        self.assertEqual((done["rc"], done["error"]), (0, None))

    def test_a_wrong_password_is_sent_once_for_a_build(self) -> None:
        sidecar = self.sidecar(SNOWFLAKE_PASSWORD="wrong")
        _, done = sidecar.build("stg_materials")
        self.assertEqual(done["rc"], 2)
        self.assertIn("390100 (", done["error"])
        self.assertIn("Incorrect username or password", done["error"])
        self.assertNotIn("wrong", done["error"])
        self.assertEqual(self.count("refused_logins"), 1)

    def test_a_service_that_is_gone_is_told_in_time(self) -> None:
        sidecar = self.sidecar(MILLRACE_DBT_NETWORK_TIMEOUT_SECS="3")
        self.assertEqual(sidecar.build("stg_materials")[1]["rc"], 0)
        self.emulator.process.kill()
        started = time.monotonic()
        _, done = sidecar.build("stg_materials")
        self.assertEqual(done["rc"], 2)
        self.assertIn("250001", done["error"])
        self.assertLess(time.monotonic() - started, 60)

    def test_a_service_that_fails_in_the_middle(self) -> None:
        sidecar = self.sidecar(MILLRACE_DBT_NETWORK_TIMEOUT_SECS="3")
        for fault in ({"do": "expired"}, {"do": "status", "status": 503}, {"do": "drop"}, {"do": "long", "polls": 2}):
            self.fault(at="query", contains="view MILL.STAGING.stg_materials", **fault)
            nodes, done = sidecar.build("stg_materials")
            self.assertEqual((done["rc"], done["error"]), (0, None), (fault, nodes))
        for fault, says in (
            ({"do": "status", "status": 503, "times": 1000}, "290503"),
            ({"do": "error", "code": "000625", "message": "Statement 'x' has locked table 'T'"}, "000625 ("),
        ):
            started = time.monotonic()
            self.fault(at="query", contains="view MILL.STAGING.stg_materials", **fault)
            nodes, done = sidecar.build("stg_materials")
            self.assertEqual((done["rc"], nodes["stg_materials"]["status"]), (1, "error"), fault)
            self.assertIn(says, nodes["stg_materials"]["message"])
            self.assertLess(time.monotonic() - started, 60)
            request = urllib.request.Request(f"http://127.0.0.1:{self.emulator.port}/emulator/faults", method="DELETE")
            urllib.request.urlopen(request, timeout=60).close()


@unittest.skipIf(emulated.MISSING, emulated.MISSING)
class KeyPair(unittest.TestCase):
    def test_a_key_that_a_passphrase_protects(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        server = emulated.Emulator("--public-key", public)
        self.addCleanup(server.close)
        path = server.folder / "key.p8"
        path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"sesame")))
        # A password beside it is not sent.
        told = {"SNOWFLAKE_PASSWORD": "wrong", "SNOWFLAKE_PRIVATE_KEY_PATH": str(path), "SNOWFLAKE_PRIVATE_KEY_PASSPHRASE": "sesame"}
        server.environment.update(told)
        sidecar = Sidecar(server)
        self.addCleanup(sidecar.stop)
        _, done = sidecar.build("stg_materials")
        self.assertEqual((done["rc"], done["error"]), (0, None))


if __name__ == "__main__":
    unittest.main()
