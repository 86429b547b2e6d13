"""Fills an audit: many.py WAREHOUSE LOADS. Each load has its stages, a hundred checks, long names, and rejected rows."""
import sys

import duckdb

held = duckdb.connect(sys.argv[1])
loads = int(sys.argv[2])
long = "repeat('a long text that somebody wrote, ', 20)"
at = "(now()::TIMESTAMP - INTERVAL 29 DAY + INTERVAL 1 SECOND * (i * 29 * 86400 // %d))" % loads
held.execute(f"CREATE TEMP TABLE T AS SELECT i, {at} AS A, 'plant::' || i || '::' || {long}[1:400] AS L FROM range({loads}) R(i)")
held.execute("""
    INSERT INTO RAW.RAW_LOAD_AUDIT (LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_NAME, SOURCE_FILE, STATUS, ATTEMPT, ROWS_LOADED,
        ROWS_REJECTED, BYTES, MODIFIED_AT, AS_OF, STARTED_AT, FINISHED_AT, ERROR, TRACE_ID, RUN_FILES, TABLE_FILES, WORKER)
    SELECT L, uuid()::VARCHAR, ['BATCHES', 'MATERIALS', 'PRODUCTION_ORDERS'][1 + i % 3],
        ['batches', 'materials', 'production_orders'][1 + i % 3], 'file_' || L, CASE WHEN i % 50 = 0 THEN 'FAILED' ELSE 'SUCCESS' END,
        1, 1000 + i % 400, i % 7, 1, A, A, A, A, CASE WHEN i % 50 = 0 THEN L END, md5(L), 1, 1, 'w' FROM T""")
held.execute("""
    INSERT INTO RAW.STAGE_AUDIT (LOAD_ID, STAGE, MESSAGE_ID, STATUS, ATTEMPT, STARTED_AT, FINISHED_AT, ANNOUNCED, TRACE_ID, WORKER)
    SELECT L, S, uuid()::VARCHAR, 'SUCCESS', 1, A, A + INTERVAL 1 SECOND,
        '{"verdict":"' || CASE WHEN i % 3 = 0 THEN 'warned' ELSE 'passed' END || '","nodes":"' || repeat('x', 2000) || '"}', md5(L), 'w'
    FROM T, (VALUES ('transform'), ('dq')) V(S) WHERE i % 50 <> 0""")
held.execute(f"""
    INSERT INTO RAW.DATA_QUALITY_AUDIT
    SELECT L, 'check_' || C || '_' || {long}[1:100], 'RAW.' || ['BATCHES', 'MATERIALS', 'PRODUCTION_ORDERS'][1 + i % 3], 'warn',
        CASE WHEN (i + C) % 9 = 0 THEN 'WARN' ELSE 'PASS' END, {long}, {long}, 3, A, 'null_share', sin(i / 100.0 + C), 'CONTRACT'
    FROM T, range(100) Q(C)""")
held.execute("""
    INSERT INTO RAW.REJECTED_ROWS
    SELECT L, 'c', 'BATCHES', 'file_' || L, 7, L || L, repeat(L, 20), true, A FROM T WHERE i % 7 > 0""")
held.execute("""
    INSERT INTO RAW.SCHEMA_CHANGES SELECT L, 'c', 'BATCHES', 'file_' || L, 'NEW_COLUMN', L, 'accept', A FROM T""")
