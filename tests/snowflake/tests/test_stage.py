"""Stages: PUT, the uploads themselves, LIST, COPY INTO, REMOVE."""

import gzip
import hashlib
import os
import unittest

import boto3
import botocore.config
import botocore.exceptions

from . import kit
from .kit import Refused, Session

CREATE = (
    "CREATE STAGE IF NOT EXISTS RAW_RUN.LOAD_STAGE ENCRYPTION = (TYPE = 'SNOWFLAKE_SSE') "
    "DIRECTORY = (ENABLE = FALSE) COMMENT = 'parts of loads'"
)
FORMAT = (
    "FILE_FORMAT = (TYPE = CSV COMPRESSION = GZIP FIELD_DELIMITER = ',' RECORD_DELIMITER = '\\n' SKIP_HEADER = 0 "
    "FIELD_OPTIONALLY_ENCLOSED_BY = '\"' ESCAPE = NONE ESCAPE_UNENCLOSED_FIELD = NONE TRIM_SPACE = FALSE NULL_IF = () "
    "EMPTY_FIELD_AS_NULL = TRUE ENCODING = 'UTF8') ON_ERROR = ABORT_STATEMENT FORCE = TRUE"
)


class Stage(unittest.TestCase):
    def setUp(self):
        self.session = Session(kit.shared(), kit.fresh_database())
        self.session.query("CREATE SCHEMA RAW_RUN")
        self.session.query('CREATE TABLE RAW_RUN."T_RUN" (A VARCHAR, B VARCHAR, SOURCE_ROW BIGINT, LOAD_ID VARCHAR, F VARCHAR)')
        self.session.query(CREATE)

    def put(self, path: str = "x/y") -> dict:
        sql = f" PUT 'file:///part' '@RAW_RUN.LOAD_STAGE/{path}/' AUTO_COMPRESS=FALSE SOURCE_COMPRESSION=GZIP OVERWRITE=TRUE"
        return self.session.answer(sql)

    def client(self, info: dict, **other):
        creds = info["creds"]
        return boto3.client(
            "s3",
            region_name=info["region"],
            endpoint_url=f"http://{info['endPoint']}",
            aws_access_key_id=creds["AWS_KEY_ID"],
            aws_secret_access_key=creds["AWS_SECRET_KEY"],
            aws_session_token=other.get("token", creds["AWS_TOKEN"]),
            config=botocore.config.Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )

    def upload(self, name: str, text: str, path: str = "x/y") -> bytes:
        info = self.put(path)["stageInfo"]
        bucket, prefix = info["location"].split("/", 1)
        body = gzip.compress(text.encode())
        self.client(info).put_object(Bucket=bucket, Key=prefix + name, Body=body)
        return body

    def copy(self, select: str, files: str, columns: str = "SOURCE_ROW, A, B", path: str = "x/y") -> list:
        source = f"(SELECT {select} FROM @RAW_RUN.LOAD_STAGE/{path}/)"
        return self.session.query(f'COPY INTO RAW_RUN."T_RUN" ({columns}) FROM {source} FILES = ({files}) {FORMAT}')

    def rows(self) -> list:
        return self.session.query("SELECT A, B FROM RAW_RUN.T_RUN ORDER BY SOURCE_ROW")


class Uploads(Stage):
    def test_put_says_where_to(self):
        put = self.put()
        self.assertEqual((put["command"], put["src_locations"]), ("UPLOAD", ["/part"]))
        self.assertEqual((put["autoCompress"], put["sourceCompression"], put["overwrite"]), (False, "gzip", True))
        self.assertIsNone(put["encryptionMaterial"])
        self.assertTrue(put["stageInfo"]["location"].endswith("/x/y/"))

    def test_what_is_uploaded_is_listed_and_removed(self):
        before = kit.shared().counts()
        body = self.upload("part_00001.csv.gz", "a\n")
        self.upload("part_00001.csv.gz", "b\n", "x/z")
        listed = self.session.query("LIST @RAW_RUN.LOAD_STAGE/x/y/")
        self.assertEqual(
            [row[:3] for row in listed],
            [["load_stage/x/y/part_00001.csv.gz", str(len(body)), hashlib.md5(body).hexdigest()]],
        )
        self.assertEqual(len(self.session.query("LIST '@RAW_RUN.LOAD_STAGE'")), 2)
        removed = self.session.query("REMOVE @RAW_RUN.LOAD_STAGE/x/y/")
        self.assertEqual(removed, [["load_stage/x/y/part_00001.csv.gz", "removed"]])
        self.assertEqual(self.session.query("LIST @RAW_RUN.LOAD_STAGE/x/y/"), [])
        self.assertEqual(len(self.session.query("LIST @RAW_RUN.LOAD_STAGE/")), 1)
        self.assertEqual(kit.shared().counts()["uploads"] - before["uploads"], 2)

    def test_parts(self):
        info = self.put()["stageInfo"]
        bucket, prefix = info["location"].split("/", 1)
        client, key = self.client(info), prefix + "large"
        id = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
        bodies = [os.urandom(5 << 20), b"end"]
        parts = []
        for number, body in enumerate(bodies, 1):
            tag = client.upload_part(Bucket=bucket, Key=key, UploadId=id, PartNumber=number, Body=body)["ETag"]
            parts.append({"PartNumber": number, "ETag": tag})
        done = client.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=id, MultipartUpload={"Parts": parts})
        tag = hashlib.md5(b"".join(hashlib.md5(body).digest() for body in bodies)).hexdigest() + "-2"
        self.assertEqual(done["ETag"], f'"{tag}"')
        head = client.head_object(Bucket=bucket, Key=key)
        self.assertEqual((head["ContentLength"], head["ETag"]), ((5 << 20) + 3, f'"{tag}"'))
        self.assertEqual(client.get_object(Bucket=bucket, Key=key)["Body"].read(), b"".join(bodies))
        gone = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
        client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=gone)
        with self.assertRaises(botocore.exceptions.ClientError):
            client.upload_part(Bucket=bucket, Key=key, UploadId=gone, PartNumber=1, Body=b"")

    def test_only_with_the_credentials_for_the_path(self):
        info = self.put()["stageInfo"]
        bucket, prefix = info["location"].split("/", 1)
        for client, key in (
            (self.client(info, token="made up"), prefix + "a"),
            (self.client(self.put("elsewhere")["stageInfo"]), prefix + "a"),
        ):
            with self.assertRaises(botocore.exceptions.ClientError) as refused:
                client.put_object(Bucket=bucket, Key=key, Body=b"x")
            self.assertEqual(refused.exception.response["ResponseMetadata"]["HTTPStatusCode"], 403)
        self.assertEqual(self.session.query("LIST @RAW_RUN.LOAD_STAGE"), [])

    def test_faults(self):
        server = kit.Server()
        self.addCleanup(server.end)
        self.session = Session(server, "FAULTS")
        self.session.query("CREATE SCHEMA RAW_RUN")
        self.session.query(CREATE)
        for status in (503, 403):
            server.fault(at="upload", contains="part_00001", do="status", status=status)
            with self.assertRaises(botocore.exceptions.ClientError) as refused:
                self.upload("part_00001", "x")
            self.assertEqual(refused.exception.response["ResponseMetadata"]["HTTPStatusCode"], status)
        server.fault(at="upload", do="drop")
        with self.assertRaises(botocore.exceptions.BotoCoreError):
            self.upload("part_00001", "x")
        server.fault(at="upload", do="drop_after")
        with self.assertRaises(botocore.exceptions.BotoCoreError):
            self.upload("part_00001", "x")
        self.assertEqual(len(self.session.query("LIST @RAW_RUN.LOAD_STAGE")), 1)


class Copy(Stage):
    def test_values_come_as_they_were(self):
        self.upload("1.csv.gz", '"1","a\n""b""\\n",""\n"2",,"é\r\n, x "\n"3","\\N","\'"\n')
        copied = self.copy("$1, $2, $3, 'it''s', METADATA$FILENAME", "'1.csv.gz'", "SOURCE_ROW, A, B, LOAD_ID, F")
        self.assertEqual(copied, [["x/y/1.csv.gz", "LOADED", "3", "3", "1", "0", None, None, None, None]])
        self.assertEqual(self.rows(), [['a\n"b"\\n', ""], [None, "é\r\n, x "], ["\\N", "'"]])
        self.assertEqual(self.session.value("SELECT MAX(LOAD_ID || F) FROM RAW_RUN.T_RUN"), "it'sx/y/1.csv.gz")

    def test_several_files(self):
        self.upload("1.csv.gz", '"1","a","x"\n"2","b","x"\n')
        self.upload("2.csv.gz", '"3","c","x"\n')
        self.upload("3.csv.gz", '"4","d","x"\n')
        copied = self.copy("t.$1, CAST($2 AS VARCHAR), $3".replace("t.", ""), "'1.csv.gz', '2.csv.gz'")
        self.assertEqual([row[:4] for row in copied], [["x/y/1.csv.gz", "LOADED", "2", "2"], ["x/y/2.csv.gz", "LOADED", "1", "1"]])
        self.assertEqual(self.rows(), [["a", "x"], ["b", "x"], ["c", "x"]])

    def test_fields_that_are_not_there_are_null(self):
        self.upload("1.csv.gz", '"1","a"\n"2","b","c"\n')
        self.copy("$1, $2, $3", "'1.csv.gz'")
        self.assertEqual(self.rows(), [["a", None], ["b", "c"]])

    def test_is_part_of_the_transaction(self):
        self.upload("1.csv.gz", '"1","a","x"\n')
        self.session.query("BEGIN")
        self.copy("$1, $2, $3", "'1.csv.gz'")
        # Somebody else commits, so that what was copied has to be played again.
        other = Session(kit.shared(), self.session.login["sessionInfo"]["databaseName"])
        other.query("INSERT INTO RAW_RUN.T_RUN (SOURCE_ROW, A) VALUES (9, 'z')")
        self.assertEqual(self.rows(), [["a", "x"], ["z", None]])
        self.session.query("ROLLBACK")
        self.assertEqual(self.rows(), [["z", None]])

    def test_what_can_not_be_loaded_is_an_error(self):
        self.upload("1.csv.gz", '"1","a","x"\n"no number","a","x"\n')
        for select, files, columns, code in (
            ("$1, $2, $3", "'missing.csv.gz'", "SOURCE_ROW, A, B", "091016"),
            ("$1, $2", "'1.csv.gz'", "SOURCE_ROW, A, B", "002020"),
            ("$1, $2, $3", "'1.csv.gz'", "SOURCE_ROW, A, NOT_THERE", "000904"),
            ("$1, $2, $3", "'1.csv.gz'", "SOURCE_ROW, A, B", "100038"),
        ):
            with self.assertRaises(Refused) as refused:
                self.copy(select, files, columns)
            self.assertEqual(refused.exception.code, code, str(refused.exception))
        self.assertEqual(self.rows(), [])

    def test_a_broken_file_is_an_error(self):
        info = self.put()["stageInfo"]
        bucket, prefix = info["location"].split("/", 1)
        whole = gzip.compress(b"".join(b'"%d","%s","x"\n' % (at, os.urandom(8).hex().encode()) for at in range(1000)))
        for name, body in (("cut", whole[: len(whole) // 2]), ("none", b"no gzip at all"), ("open", gzip.compress(b'"1","a'))):
            self.client(info).put_object(Bucket=bucket, Key=f"{prefix}{name}", Body=body)
            with self.assertRaises(Refused, msg=name):
                self.copy("$1, $2, $3", f"'{name}'")
        self.assertEqual(self.rows(), [])

    def test_no_file_is_no_error(self):
        copied = self.session.query(f'COPY INTO RAW_RUN."T_RUN" (A) FROM (SELECT $1 FROM @RAW_RUN.LOAD_STAGE/empty/) {FORMAT}')
        self.assertEqual(copied, [["Copy executed with 0 files processed."]])

    def test_what_the_emulator_would_read_otherwise_is_refused(self):
        self.upload("1.csv.gz", "1\n")
        source = "COPY INTO RAW_RUN.T_RUN (A) FROM (SELECT $1 FROM @RAW_RUN.LOAD_STAGE/x/y/)"
        for rest in (
            "FILE_FORMAT = (TYPE = CSV)",
            "FILE_FORMAT = (TYPE = JSON)",
            FORMAT.replace("NULL_IF = ()", ""),
            FORMAT.replace("ABORT_STATEMENT", "CONTINUE"),
            FORMAT.replace("TRIM_SPACE = FALSE", "TRIM_SPACES = FALSE"),
        ):
            with self.assertRaises(Refused):
                self.session.query(f"{source} {rest}")


class Definitions(Stage):
    def test_a_stage_is_made_once_and_shown(self):
        self.assertEqual(self.session.value(CREATE), "LOAD_STAGE already exists, statement succeeded.")
        shown = self.session.query(
            "SELECT STAGE_SCHEMA, STAGE_NAME, STAGE_TYPE, COMMENT FROM INFORMATION_SCHEMA.STAGES"
        )
        self.assertEqual(shown, [["RAW_RUN", "LOAD_STAGE", "Internal Named", "parts of loads"]])
        with self.assertRaises(Refused) as refused:
            self.session.query("CREATE STAGE RAW_RUN.LOAD_STAGE")
        self.assertEqual(refused.exception.code, "002002")
        with self.assertRaises(Refused) as refused:
            self.session.query("CREATE STAGE NOT_THERE.LOAD_STAGE")
        self.assertEqual(refused.exception.code, "002003")

    def test_a_dropped_stage_is_gone(self):
        self.upload("1.csv.gz", "1\n")
        self.session.query("DROP STAGE RAW_RUN.LOAD_STAGE")
        for sql in ("LIST @RAW_RUN.LOAD_STAGE", "REMOVE @RAW_RUN.LOAD_STAGE/x", "PUT file:///a @RAW_RUN.LOAD_STAGE"):
            with self.assertRaises(Refused) as refused:
                self.session.query(sql)
            self.assertEqual(refused.exception.code, "002003")
        self.session.query("DROP STAGE IF EXISTS RAW_RUN.LOAD_STAGE")
        self.session.query(CREATE)
        self.assertEqual(self.session.query("LIST @RAW_RUN.LOAD_STAGE"), [])
