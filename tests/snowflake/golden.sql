-- All SQL that millrace itself sends to Snowflake, made by tests/snowflake/golden.rs from what the emulator heard. dbt's is
-- not in it, and `millrace setup snowflake` has its own list (deploy/snowflake/setup.sql). Texts, times, numbers and ids are placeholders; rows of
-- VALUES that have the same kinds of values are one, `…` ends a list of any length, and the sixteen locks are one.

-- PREPARE. At every start: the first question, and where it finds something missing, what makes it.

-- What is there: one question, so that a start where nothing is missing needs no other. Not plain SQL: the views of
-- INFORMATION_SCHEMA, of the session's database, which show what the role may see; VIEWS has COMMENT, STAGES is Snowflake's own.
-- https://docs.snowflake.com/en/sql-reference/info-schema/columns
-- https://docs.snowflake.com/en/sql-reference/info-schema/views
-- https://docs.snowflake.com/en/sql-reference/info-schema/stages
SELECT 'COLUMN', TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, ORDINAL_POSITION AS PLACE FROM INFORMATION_SCHEMA.COLUMNS WHERE
    TABLE_SCHEMA IN ('RAW', 'RAW_RUN') UNION ALL SELECT 'VIEW', TABLE_SCHEMA, TABLE_NAME, COALESCE(COMMENT, ''), 0 FROM
    INFORMATION_SCHEMA.VIEWS WHERE TABLE_SCHEMA = 'RAW' UNION ALL SELECT 'STAGE', STAGE_SCHEMA, STAGE_NAME, '', 0 FROM
    INFORMATION_SCHEMA.STAGES WHERE STAGE_SCHEMA = 'RAW_RUN' ORDER BY PLACE;

-- Which schemas are there; `check` asks it too.
-- https://docs.snowflake.com/en/sql-reference/info-schema/schemata
SELECT SCHEMA_NAME FROM INFORMATION_SCHEMA.SCHEMATA;

-- A schema, only where it is missing: the privilege CREATE SCHEMA is wanted even by IF NOT EXISTS. It becomes the session's
-- current one, hence full names everywhere.
-- https://docs.snowflake.com/en/sql-reference/sql/create-schema
CREATE SCHEMA IF NOT EXISTS RAW;

-- A schema, only where it is missing: the privilege CREATE SCHEMA is wanted even by IF NOT EXISTS. It becomes the session's
-- current one, hence full names everywhere.
-- https://docs.snowflake.com/en/sql-reference/sql/create-schema
CREATE SCHEMA IF NOT EXISTS RAW_RUN;

-- A table of the audit. BIGINT is NUMBER(38, 0), VARCHAR without a length 16 MB; TIMESTAMP is what TIMESTAMP_TYPE_MAPPING says,
-- which every session sets.
-- https://docs.snowflake.com/en/sql-reference/sql/create-table
-- https://docs.snowflake.com/en/sql-reference/parameters#timestamp-type-mapping
CREATE TABLE IF NOT EXISTS RAW.DATA_QUALITY_AUDIT (LOAD_ID VARCHAR, CHECK_NAME VARCHAR, TABLE_NAME VARCHAR, SEVERITY VARCHAR,
    STATUS VARCHAR, OBSERVED VARCHAR, EXPECTED VARCHAR, FAILED_ROWS BIGINT, CHECKED_AT TIMESTAMP, KIND VARCHAR, VALUE DOUBLE,
    ORIGIN VARCHAR);

-- A table of the audit. BIGINT is NUMBER(38, 0), VARCHAR without a length 16 MB; TIMESTAMP is what TIMESTAMP_TYPE_MAPPING says,
-- which every session sets.
-- https://docs.snowflake.com/en/sql-reference/sql/create-table
-- https://docs.snowflake.com/en/sql-reference/parameters#timestamp-type-mapping
CREATE TABLE IF NOT EXISTS RAW.RAW_LOAD_AUDIT (LOAD_ID VARCHAR, COMMAND_ID VARCHAR, TABLE_NAME VARCHAR, SOURCE_NAME VARCHAR,
    SOURCE_FILE VARCHAR, FILE_ID VARCHAR, STATUS VARCHAR, ATTEMPT BIGINT, ROWS_LOADED BIGINT, ROWS_REJECTED BIGINT, BYTES BIGINT,
    MODIFIED_AT TIMESTAMP, AS_OF TIMESTAMP, STARTED_AT TIMESTAMP, FINISHED_AT TIMESTAMP, ERROR VARCHAR, TRACE_ID VARCHAR,
    RUN_FILES BIGINT, TABLE_FILES BIGINT, WORKER VARCHAR, DECIDED_BY VARCHAR, DECIDED_WHY VARCHAR);

-- A table of the audit. BIGINT is NUMBER(38, 0), VARCHAR without a length 16 MB; TIMESTAMP is what TIMESTAMP_TYPE_MAPPING says,
-- which every session sets.
-- https://docs.snowflake.com/en/sql-reference/sql/create-table
-- https://docs.snowflake.com/en/sql-reference/parameters#timestamp-type-mapping
CREATE TABLE IF NOT EXISTS RAW.STAGE_AUDIT (LOAD_ID VARCHAR, STAGE VARCHAR, MESSAGE_ID VARCHAR, STATUS VARCHAR, ATTEMPT BIGINT,
    STARTED_AT TIMESTAMP, FINISHED_AT TIMESTAMP, ERROR VARCHAR, ANNOUNCED VARCHAR, TRACE_ID VARCHAR, WORKER VARCHAR);

-- A lock with its row. Not plain SQL: IF NOT EXISTS with CTAS, which the page's syntax of CTAS does not show and its usage
-- notes do not forbid. A real account must say (README.md): only where a lock is missing is it sent.
-- https://docs.snowflake.com/en/sql-reference/sql/create-table#create-table-as-select-also-referred-to-as-ctas
CREATE TABLE IF NOT EXISTS RAW_RUN.LOAD_LOCK_<nn> AS SELECT CAST('' AS VARCHAR) AS HOLDER;

-- The rows of every load of a contract. Columns in quotes and capitals, so that a word that SQL reserves can be one.
-- https://docs.snowflake.com/en/sql-reference/sql/create-table
-- https://docs.snowflake.com/en/sql-reference/identifiers-syntax
CREATE TABLE IF NOT EXISTS RAW_RUN."BATCHES_RUN" ("BATCH_ID" VARCHAR, "PRODUCTION_ORDER_ID" VARCHAR, "MATERIAL_ID" VARCHAR,
    "PLANT" VARCHAR, "LINE" VARCHAR, "SHIFT" VARCHAR, "QUANTITY_PRODUCED" VARCHAR, "QUANTITY_REJECTED" VARCHAR, "START_TIME"
    VARCHAR, "END_TIME" VARCHAR, "STATUS" VARCHAR, "OPERATOR_ID" VARCHAR, "TEMPERATURE_C_AVG" VARCHAR, "PRESSURE_BAR_AVG" VARCHAR,
    "REMARKS" VARCHAR, LOAD_ID VARCHAR, SOURCE_FILE VARCHAR, SOURCE_ROW BIGINT, LOADED_AT TIMESTAMP, COMMAND_ID VARCHAR);

-- The rows of every load of a contract. Columns in quotes and capitals, so that a word that SQL reserves can be one.
-- https://docs.snowflake.com/en/sql-reference/sql/create-table
-- https://docs.snowflake.com/en/sql-reference/identifiers-syntax
CREATE TABLE IF NOT EXISTS RAW_RUN."MATERIALS_RUN" ("MATERIAL_ID" VARCHAR, "MATERIAL_NAME" VARCHAR, "MATERIAL_TYPE" VARCHAR,
    "UNIT_OF_MEASURE" VARCHAR, "STANDARD_COST" VARCHAR, "CURRENCY" VARCHAR, "SUPPLIER_ID" VARCHAR, "LEAD_TIME_DAYS" VARCHAR,
    "CREATED_AT" VARCHAR, LOAD_ID VARCHAR, SOURCE_FILE VARCHAR, SOURCE_ROW BIGINT, LOADED_AT TIMESTAMP, COMMAND_ID VARCHAR);

-- The rows of every load of a contract. Columns in quotes and capitals, so that a word that SQL reserves can be one.
-- https://docs.snowflake.com/en/sql-reference/sql/create-table
-- https://docs.snowflake.com/en/sql-reference/identifiers-syntax
CREATE TABLE IF NOT EXISTS RAW_RUN."PRODUCTION_ORDERS_RUN" ("PRODUCTION_ORDER_ID" VARCHAR, "MATERIAL_ID" VARCHAR, "PLANT" VARCHAR,
    "LINE" VARCHAR, "PLANNED_QUANTITY" VARCHAR, "ACTUAL_QUANTITY" VARCHAR, "PLANNED_START" VARCHAR, "PLANNED_END" VARCHAR,
    "ACTUAL_START" VARCHAR, "ACTUAL_END" VARCHAR, "ORDER_STATUS" VARCHAR, "PRIORITY" VARCHAR, LOAD_ID VARCHAR, SOURCE_FILE
    VARCHAR, SOURCE_ROW BIGINT, LOADED_AT TIMESTAMP, COMMAND_ID VARCHAR);

-- The rows of every load of a contract. Columns in quotes and capitals, so that a word that SQL reserves can be one.
-- https://docs.snowflake.com/en/sql-reference/sql/create-table
-- https://docs.snowflake.com/en/sql-reference/identifiers-syntax
CREATE TABLE IF NOT EXISTS RAW_RUN."READINGS_RUN" ("ID" VARCHAR, "ORDER" VARCHAR, LOAD_ID VARCHAR, SOURCE_FILE VARCHAR, SOURCE_ROW
    BIGINT, LOADED_AT TIMESTAMP, COMMAND_ID VARCHAR);

-- A table of the audit. BIGINT is NUMBER(38, 0), VARCHAR without a length 16 MB; TIMESTAMP is what TIMESTAMP_TYPE_MAPPING says,
-- which every session sets.
-- https://docs.snowflake.com/en/sql-reference/sql/create-table
-- https://docs.snowflake.com/en/sql-reference/parameters#timestamp-type-mapping
CREATE TABLE IF NOT EXISTS RAW.QUALITY_SAMPLES (LOAD_ID VARCHAR, CHECK_NAME VARCHAR, TABLE_NAME VARCHAR, SOURCE_FILE VARCHAR,
    SOURCE_ROW BIGINT, ROW_DATA VARCHAR, CHECKED_AT TIMESTAMP);

-- A table of the audit. BIGINT is NUMBER(38, 0), VARCHAR without a length 16 MB; TIMESTAMP is what TIMESTAMP_TYPE_MAPPING says,
-- which every session sets.
-- https://docs.snowflake.com/en/sql-reference/sql/create-table
-- https://docs.snowflake.com/en/sql-reference/parameters#timestamp-type-mapping
CREATE TABLE IF NOT EXISTS RAW.REJECTED_ROWS (LOAD_ID VARCHAR, COMMAND_ID VARCHAR, TABLE_NAME VARCHAR, SOURCE_FILE VARCHAR,
    SOURCE_LINE BIGINT, REASON VARCHAR, RAW_TEXT VARCHAR, IS_TRUNCATED BOOLEAN, REJECTED_AT TIMESTAMP);

-- A table of the audit. BIGINT is NUMBER(38, 0), VARCHAR without a length 16 MB; TIMESTAMP is what TIMESTAMP_TYPE_MAPPING says,
-- which every session sets.
-- https://docs.snowflake.com/en/sql-reference/sql/create-table
-- https://docs.snowflake.com/en/sql-reference/parameters#timestamp-type-mapping
CREATE TABLE IF NOT EXISTS RAW.SCHEMA_CHANGES (LOAD_ID VARCHAR, COMMAND_ID VARCHAR, TABLE_NAME VARCHAR, SOURCE_FILE VARCHAR,
    CHANGE VARCHAR, COLUMN_NAME VARCHAR, POLICY VARCHAR, NOTED_AT TIMESTAMP);

-- Where parts are uploaded to. Encrypted by the service, because our own upload does not encrypt; it can't be changed later.
-- https://docs.snowflake.com/en/sql-reference/sql/create-stage
CREATE STAGE IF NOT EXISTS RAW_RUN.LOAD_STAGE ENCRYPTION = (TYPE = 'SNOWFLAKE_SSE');

-- The generations that count. Not plain SQL: QUALIFY behind HAVING, and COPY GRANTS, which keeps who may read the view when it
-- is replaced, and stands before COMMENT. MAX(AS_OF) AS AS_OF: HAVING and QUALIFY name no alias.
-- https://docs.snowflake.com/en/sql-reference/sql/create-view
-- https://docs.snowflake.com/en/sql-reference/constructs/qualify
CREATE OR REPLACE VIEW RAW."COMPLETE_LOADS" COPY GRANTS COMMENT = 'kept by millrace (<hash>)' AS SELECT TABLE_NAME, LOAD_ID,
    COMMAND_ID, MAX(AS_OF) AS AS_OF FROM RAW.RAW_LOAD_AUDIT WHERE STATUS = 'SUCCESS' GROUP BY TABLE_NAME, LOAD_ID, COMMAND_ID
    HAVING MAX(TABLE_FILES) <= 1 OR COUNT(DISTINCT CASE WHEN TABLE_FILES > 1 THEN SOURCE_FILE END) >= MAX(TABLE_FILES) QUALIFY
    ROW_NUMBER() OVER (PARTITION BY TABLE_NAME, LOAD_ID ORDER BY COMMAND_ID DESC) = 1;

-- What is current, by table or by file. Not plain SQL: QUALIFY, COPY GRANTS.
-- https://docs.snowflake.com/en/sql-reference/sql/create-view
-- https://docs.snowflake.com/en/sql-reference/constructs/qualify
CREATE OR REPLACE VIEW RAW."CURRENT_FILES" COPY GRANTS COMMENT = 'kept by millrace (<hash>)' AS SELECT F.TABLE_NAME,
    F.SOURCE_FILE, F.LOAD_ID, F.COMMAND_ID, G.AS_OF FROM RAW.RAW_LOAD_AUDIT F JOIN RAW.COMPLETE_LOADS G ON G.TABLE_NAME =
    F.TABLE_NAME AND G.LOAD_ID = F.LOAD_ID AND G.COMMAND_ID = F.COMMAND_ID WHERE F.STATUS = 'SUCCESS' QUALIFY ROW_NUMBER() OVER
    (PARTITION BY F.TABLE_NAME, F.SOURCE_FILE ORDER BY G.AS_OF DESC, F.COMMAND_ID DESC, F.LOAD_ID DESC) = 1;

-- What is current, by table or by file. Not plain SQL: QUALIFY, COPY GRANTS.
-- https://docs.snowflake.com/en/sql-reference/sql/create-view
-- https://docs.snowflake.com/en/sql-reference/constructs/qualify
CREATE OR REPLACE VIEW RAW."CURRENT_LOADS" COPY GRANTS COMMENT = 'kept by millrace (<hash>)' AS SELECT TABLE_NAME, LOAD_ID,
    COMMAND_ID, AS_OF FROM RAW.COMPLETE_LOADS QUALIFY ROW_NUMBER() OVER (PARTITION BY TABLE_NAME ORDER BY AS_OF DESC, COMMAND_ID
    DESC, LOAD_ID DESC) = 1;

-- The current rows of a contract of increments. It follows the audit, and only changes with the contract. Not plain SQL: COPY
-- GRANTS.
-- https://docs.snowflake.com/en/sql-reference/sql/create-view
CREATE OR REPLACE VIEW RAW."READINGS" COPY GRANTS COMMENT = 'kept by millrace (<hash>)' AS SELECT R."ID", R."ORDER", R.LOAD_ID,
    R.SOURCE_FILE, R.SOURCE_ROW, R.LOADED_AT FROM RAW_RUN."READINGS_RUN" R JOIN RAW.CURRENT_FILES F ON F.TABLE_NAME = '<table>'
    AND F.SOURCE_FILE = R.SOURCE_FILE AND F.LOAD_ID = R.LOAD_ID AND F.COMMAND_ID = R.COMMAND_ID;

-- The current rows of a contract of snapshots. Not plain SQL: COPY GRANTS. WITH may stand in a view; each subquery is scalar, and
-- can't give two rows, because CURRENT_LOADS has one for a table.
-- https://docs.snowflake.com/en/sql-reference/sql/create-view
-- https://docs.snowflake.com/en/user-guide/querying-subqueries
-- https://docs.snowflake.com/en/sql-reference/constructs/with
CREATE OR REPLACE VIEW RAW."BATCHES" COPY GRANTS COMMENT = 'kept by millrace (<hash>)' AS WITH C AS (SELECT LOAD_ID, COMMAND_ID
    FROM RAW.CURRENT_LOADS WHERE TABLE_NAME = '<table>') SELECT R."BATCH_ID", R."PRODUCTION_ORDER_ID", R."MATERIAL_ID", R."PLANT",
    R."LINE", R."SHIFT", R."QUANTITY_PRODUCED", R."QUANTITY_REJECTED", R."START_TIME", R."END_TIME", R."STATUS", R."OPERATOR_ID",
    R."TEMPERATURE_C_AVG", R."PRESSURE_BAR_AVG", R."REMARKS", R.LOAD_ID, R.SOURCE_FILE, R.SOURCE_ROW, R.LOADED_AT FROM
    RAW_RUN."BATCHES_RUN" R WHERE R.LOAD_ID = (SELECT LOAD_ID FROM C) AND R.COMMAND_ID = (SELECT COMMAND_ID FROM C);

-- The current rows of a contract of snapshots. Not plain SQL: COPY GRANTS. WITH may stand in a view; each subquery is scalar, and
-- can't give two rows, because CURRENT_LOADS has one for a table.
-- https://docs.snowflake.com/en/sql-reference/sql/create-view
-- https://docs.snowflake.com/en/user-guide/querying-subqueries
-- https://docs.snowflake.com/en/sql-reference/constructs/with
CREATE OR REPLACE VIEW RAW."MATERIALS" COPY GRANTS COMMENT = 'kept by millrace (<hash>)' AS WITH C AS (SELECT LOAD_ID, COMMAND_ID
    FROM RAW.CURRENT_LOADS WHERE TABLE_NAME = '<table>') SELECT R."MATERIAL_ID", R."MATERIAL_NAME", R."MATERIAL_TYPE",
    R."UNIT_OF_MEASURE", R."STANDARD_COST", R."CURRENCY", R."SUPPLIER_ID", R."LEAD_TIME_DAYS", R."CREATED_AT", R."ZONE",
    R."COLOUR", R.LOAD_ID, R.SOURCE_FILE, R.SOURCE_ROW, R.LOADED_AT FROM RAW_RUN."MATERIALS_RUN" R WHERE R.LOAD_ID = (SELECT
    LOAD_ID FROM C) AND R.COMMAND_ID = (SELECT COMMAND_ID FROM C);

-- The current rows of a contract of snapshots. Not plain SQL: COPY GRANTS. WITH may stand in a view; each subquery is scalar, and
-- can't give two rows, because CURRENT_LOADS has one for a table.
-- https://docs.snowflake.com/en/sql-reference/sql/create-view
-- https://docs.snowflake.com/en/user-guide/querying-subqueries
-- https://docs.snowflake.com/en/sql-reference/constructs/with
CREATE OR REPLACE VIEW RAW."MATERIALS" COPY GRANTS COMMENT = 'kept by millrace (<hash>)' AS WITH C AS (SELECT LOAD_ID, COMMAND_ID
    FROM RAW.CURRENT_LOADS WHERE TABLE_NAME = '<table>') SELECT R."MATERIAL_ID", R."MATERIAL_NAME", R."MATERIAL_TYPE",
    R."UNIT_OF_MEASURE", R."STANDARD_COST", R."CURRENCY", R."SUPPLIER_ID", R."LEAD_TIME_DAYS", R."CREATED_AT", R.LOAD_ID,
    R.SOURCE_FILE, R.SOURCE_ROW, R.LOADED_AT FROM RAW_RUN."MATERIALS_RUN" R WHERE R.LOAD_ID = (SELECT LOAD_ID FROM C) AND
    R.COMMAND_ID = (SELECT COMMAND_ID FROM C);

-- The current rows of a contract of snapshots. Not plain SQL: COPY GRANTS. WITH may stand in a view; each subquery is scalar, and
-- can't give two rows, because CURRENT_LOADS has one for a table.
-- https://docs.snowflake.com/en/sql-reference/sql/create-view
-- https://docs.snowflake.com/en/user-guide/querying-subqueries
-- https://docs.snowflake.com/en/sql-reference/constructs/with
CREATE OR REPLACE VIEW RAW."PRODUCTION_ORDERS" COPY GRANTS COMMENT = 'kept by millrace (<hash>)' AS WITH C AS (SELECT LOAD_ID,
    COMMAND_ID FROM RAW.CURRENT_LOADS WHERE TABLE_NAME = '<table>') SELECT R."PRODUCTION_ORDER_ID", R."MATERIAL_ID", R."PLANT",
    R."LINE", R."PLANNED_QUANTITY", R."ACTUAL_QUANTITY", R."PLANNED_START", R."PLANNED_END", R."ACTUAL_START", R."ACTUAL_END",
    R."ORDER_STATUS", R."PRIORITY", R.LOAD_ID, R.SOURCE_FILE, R.SOURCE_ROW, R.LOADED_AT FROM RAW_RUN."PRODUCTION_ORDERS_RUN" R
    WHERE R.LOAD_ID = (SELECT LOAD_ID FROM C) AND R.COMMAND_ID = (SELECT COMMAND_ID FROM C);

-- The current rows of a contract of snapshots. Not plain SQL: COPY GRANTS. WITH may stand in a view; each subquery is scalar, and
-- can't give two rows, because CURRENT_LOADS has one for a table.
-- https://docs.snowflake.com/en/sql-reference/sql/create-view
-- https://docs.snowflake.com/en/user-guide/querying-subqueries
-- https://docs.snowflake.com/en/sql-reference/constructs/with
CREATE OR REPLACE VIEW RAW."MATERIALS" COPY GRANTS COMMENT = 'kept by millrace (<hash>)' AS WITH C AS (SELECT LOAD_ID, COMMAND_ID
    FROM RAW.CURRENT_LOADS WHERE TABLE_NAME = '<table>') SELECT R."MATERIAL_ID", R."MATERIAL_NAME", R."MATERIAL_TYPE",
    R."UNIT_OF_MEASURE", R."STANDARD_COST", R."CURRENCY", R."SUPPLIER_ID", R."LEAD_TIME_DAYS", R."CREATED_AT", R."ZONE",
    R.LOAD_ID, R.SOURCE_FILE, R.SOURCE_ROW, R.LOADED_AT FROM RAW_RUN."MATERIALS_RUN" R WHERE R.LOAD_ID = (SELECT LOAD_ID FROM C)
    AND R.COMMAND_ID = (SELECT COMMAND_ID FROM C);

-- A contract has gained a column. Not plain SQL: IF NOT EXISTS with ADD COLUMN, which may stand where there is no default and
-- no constraint.
-- https://docs.snowflake.com/en/sql-reference/sql/alter-table
ALTER TABLE RAW_RUN."MATERIALS_RUN" ADD COLUMN IF NOT EXISTS "COLOUR" VARCHAR;

-- A column that a file has beside its contract, where that says `evolve`, before the file is loaded. Not plain SQL: IF NOT EXISTS.
-- https://docs.snowflake.com/en/sql-reference/sql/alter-table
ALTER TABLE RAW_RUN."MATERIALS_RUN" ADD COLUMN IF NOT EXISTS "ZONE" VARCHAR;

-- What lies in the stage, to remove what dead workers have left. Not plain SQL: LIST; the column `name` begins with the stage's
-- name in lower case.
-- https://docs.snowflake.com/en/sql-reference/sql/list
LIST @RAW_RUN.LOAD_STAGE/;

-- LOAD. One file, in this order; what stands between BEGIN TRANSACTION and COMMIT is kept together or not at all.

-- The fence: has a newer command this load, has this one loaded the file, or was it taken back? Asked before the file is opened, and
-- again in the transaction where the conditional INSERT wrote nothing. One row, whatever is there; the scalar subquery is not correlated.
-- https://docs.snowflake.com/en/sql-reference/functions/count
-- https://docs.snowflake.com/en/sql-reference/functions/case
-- https://docs.snowflake.com/en/user-guide/querying-subqueries
SELECT MAX(CASE WHEN COMMAND_ID > '<id>' AND STATUS IN ('SUCCESS', 'PLANNED', 'QUARANTINED') THEN COMMAND_ID END), COUNT(CASE WHEN
    COMMAND_ID = '<id>' AND SOURCE_FILE = '<text>' AND STATUS IN ('SUCCESS', 'QUARANTINED') THEN 1 END), COUNT(CASE WHEN
    COMMAND_ID < '<id>' AND STATUS IN ('SUCCESS', 'QUARANTINED') THEN 1 END), COUNT(DISTINCT CASE WHEN COMMAND_ID = '<id>' AND
    SOURCE_FILE <> '<text>' AND STATUS = 'SUCCESS' THEN SOURCE_FILE END), MAX(CASE WHEN COMMAND_ID = '<id>' AND SOURCE_FILE =
    '<text>' AND STATUS = 'CANCELLED' THEN ERROR END), COUNT(CASE WHEN COMMAND_ID = '<id>' AND SOURCE_FILE = '<text>' AND STATUS =
    'FAILED' THEN 1 END), (SELECT MAX(ERROR) FROM RAW.STAGE_AUDIT WHERE STAGE = 'ingest' AND STATUS = 'CANCEL_REQUESTED' AND
    LOAD_ID = '<text>' AND MESSAGE_ID = '<id>'), MAX(CASE WHEN COMMAND_ID = '<id>' AND SOURCE_FILE = '<text>' AND STATUS =
    'QUARANTINED' THEN ERROR END), COUNT(DISTINCT CASE WHEN COMMAND_ID = '<id>' AND SOURCE_FILE <> '<text>' AND STATUS IN
    ('SUCCESS', 'QUARANTINED') THEN SOURCE_FILE END) FROM RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = '<text>' AND TABLE_NAME = '<table>';

-- Where the stage lies, and credentials for the folder; the answer is for the client, no file of this name exists. Not plain
-- SQL: PUT; path and stage may stand in quotes. `check` sends it too.
-- https://docs.snowflake.com/en/sql-reference/sql/put
PUT 'file:///part.csv.gz' '@RAW_RUN.LOAD_STAGE/<table>/<id>/' AUTO_COMPRESS = FALSE SOURCE_COMPRESSION = GZIP OVERWRITE = TRUE;

-- Did every part arrive whole? Not plain SQL: LIST. The path stands outside of quotes, so it holds letters, digits and `_` only.
-- https://docs.snowflake.com/en/sql-reference/sql/list
LIST @RAW_RUN.LOAD_STAGE/<table>/<id>/;

-- The rows and the audit's line are one transaction.
-- https://docs.snowflake.com/en/sql-reference/sql/begin
-- https://docs.snowflake.com/en/sql-reference/transactions
BEGIN TRANSACTION;

-- The parts into the table. Not plain SQL: COPY with a transformation, which may name columns, constants and casts; FILES below
-- the path of FROM, a thousand names at most; FORCE, because what was loaded is for the audit to know; ON_ERROR: all or nothing.
-- `,,` is NULL (EMPTY_FIELD_AS_NULL), `,"",` is a text (NULL_IF is empty); a quote inside is written twice; MULTI_LINE lets a field
-- hold line breaks. PARSE_HEADER and SKIP_HEADER exclude each other only where they are set. In a transaction it locks nothing.
-- https://docs.snowflake.com/en/sql-reference/sql/copy-into-table
-- https://docs.snowflake.com/en/user-guide/data-load-transform
COPY INTO RAW_RUN."MATERIALS_RUN" ("MATERIAL_ID", "MATERIAL_NAME", "MATERIAL_TYPE", "UNIT_OF_MEASURE", "STANDARD_COST",
    "CURRENCY", "SUPPLIER_ID", "LEAD_TIME_DAYS", "CREATED_AT", SOURCE_ROW, LOAD_ID, SOURCE_FILE, LOADED_AT, COMMAND_ID) FROM
    (SELECT $2, $3, $4, $5, $6, $7, $8, $9, $10, $1, '<text>', '<text>', CAST('<time>' AS TIMESTAMP), '<id>' FROM
    @RAW_RUN.LOAD_STAGE/<table>/<id>/) FILES = ('<part>', …) FILE_FORMAT = (TYPE = CSV COMPRESSION = GZIP RECORD_DELIMITER = '\n'
    FIELD_DELIMITER = ',' MULTI_LINE = TRUE PARSE_HEADER = FALSE SKIP_HEADER = 0 SKIP_BLANK_LINES = FALSE ESCAPE = NONE
    ESCAPE_UNENCLOSED_FIELD = NONE TRIM_SPACE = FALSE FIELD_OPTIONALLY_ENCLOSED_BY = '"' NULL_IF = () EMPTY_FIELD_AS_NULL = TRUE
    REPLACE_INVALID_CHARACTERS = FALSE SKIP_BYTE_ORDER_MARK = FALSE ENCODING = 'UTF8') ON_ERROR = ABORT_STATEMENT PURGE = FALSE
    FORCE = TRUE;

-- The parts into the table. Not plain SQL: COPY with a transformation, which may name columns, constants and casts; FILES below
-- the path of FROM, a thousand names at most; FORCE, because what was loaded is for the audit to know; ON_ERROR: all or nothing.
-- `,,` is NULL (EMPTY_FIELD_AS_NULL), `,"",` is a text (NULL_IF is empty); a quote inside is written twice; MULTI_LINE lets a field
-- hold line breaks. PARSE_HEADER and SKIP_HEADER exclude each other only where they are set. In a transaction it locks nothing.
-- https://docs.snowflake.com/en/sql-reference/sql/copy-into-table
-- https://docs.snowflake.com/en/user-guide/data-load-transform
COPY INTO RAW_RUN."MATERIALS_RUN" ("MATERIAL_ID", "MATERIAL_NAME", "MATERIAL_TYPE", "UNIT_OF_MEASURE", "STANDARD_COST",
    "CURRENCY", "SUPPLIER_ID", "LEAD_TIME_DAYS", "CREATED_AT", "ZONE", SOURCE_ROW, LOAD_ID, SOURCE_FILE, LOADED_AT, COMMAND_ID)
    FROM (SELECT $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $1, '<text>', '<text>', CAST('<time>' AS TIMESTAMP), '<id>' FROM
    @RAW_RUN.LOAD_STAGE/<table>/<id>/) FILES = ('<part>', …) FILE_FORMAT = (TYPE = CSV COMPRESSION = GZIP RECORD_DELIMITER = '\n'
    FIELD_DELIMITER = ',' MULTI_LINE = TRUE PARSE_HEADER = FALSE SKIP_HEADER = 0 SKIP_BLANK_LINES = FALSE ESCAPE = NONE
    ESCAPE_UNENCLOSED_FIELD = NONE TRIM_SPACE = FALSE FIELD_OPTIONALLY_ENCLOSED_BY = '"' NULL_IF = () EMPTY_FIELD_AS_NULL = TRUE
    REPLACE_INVALID_CHARACTERS = FALSE SKIP_BYTE_ORDER_MARK = FALSE ENCODING = 'UTF8') ON_ERROR = ABORT_STATEMENT PURGE = FALSE
    FORCE = TRUE;

-- The parts into the table. Not plain SQL: COPY with a transformation, which may name columns, constants and casts; FILES below
-- the path of FROM, a thousand names at most; FORCE, because what was loaded is for the audit to know; ON_ERROR: all or nothing.
-- `,,` is NULL (EMPTY_FIELD_AS_NULL), `,"",` is a text (NULL_IF is empty); a quote inside is written twice; MULTI_LINE lets a field
-- hold line breaks. PARSE_HEADER and SKIP_HEADER exclude each other only where they are set. In a transaction it locks nothing.
-- https://docs.snowflake.com/en/sql-reference/sql/copy-into-table
-- https://docs.snowflake.com/en/user-guide/data-load-transform
COPY INTO RAW_RUN."PRODUCTION_ORDERS_RUN" ("PRODUCTION_ORDER_ID", "MATERIAL_ID", "PLANT", "LINE", "PLANNED_QUANTITY",
    "ACTUAL_QUANTITY", "PLANNED_START", "PLANNED_END", "ACTUAL_START", "ACTUAL_END", "ORDER_STATUS", "PRIORITY", SOURCE_ROW,
    LOAD_ID, SOURCE_FILE, LOADED_AT, COMMAND_ID) FROM (SELECT $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $1, '<text>',
    '<text>', CAST('<time>' AS TIMESTAMP), '<id>' FROM @RAW_RUN.LOAD_STAGE/<table>/<id>/) FILES = ('<part>', …) FILE_FORMAT =
    (TYPE = CSV COMPRESSION = GZIP RECORD_DELIMITER = '\n' FIELD_DELIMITER = ',' MULTI_LINE = TRUE PARSE_HEADER = FALSE
    SKIP_HEADER = 0 SKIP_BLANK_LINES = FALSE ESCAPE = NONE ESCAPE_UNENCLOSED_FIELD = NONE TRIM_SPACE = FALSE
    FIELD_OPTIONALLY_ENCLOSED_BY = '"' NULL_IF = () EMPTY_FIELD_AS_NULL = TRUE REPLACE_INVALID_CHARACTERS = FALSE
    SKIP_BYTE_ORDER_MARK = FALSE ENCODING = 'UTF8') ON_ERROR = ABORT_STATEMENT PURGE = FALSE FORCE = TRUE;

-- The lock of LOAD_ID and table: an UPDATE holds its table until the transaction ends. One who waits ends with LOCK_TIMEOUT.
-- https://docs.snowflake.com/en/sql-reference/sql/update
-- https://docs.snowflake.com/en/sql-reference/transactions#resource-locking
-- https://docs.snowflake.com/en/sql-reference/parameters#lock-timeout
UPDATE RAW_RUN.LOAD_LOCK_<nn> SET HOLDER = '<text>';

-- The older generation that this load replaces, once the new one is complete.
-- https://docs.snowflake.com/en/sql-reference/sql/delete
DELETE FROM RAW_RUN."MATERIALS_RUN" WHERE LOAD_ID = '<text>' AND COMMAND_ID < '<id>';

-- After a release: the generations that it replaces, if it is complete by it.
-- https://docs.snowflake.com/en/sql-reference/sql/delete
DELETE FROM RAW_RUN."MATERIALS_RUN" WHERE LOAD_ID = '<text>' AND COMMAND_ID < '<id>' AND EXISTS (SELECT 1 FROM RAW.COMPLETE_LOADS
    WHERE TABLE_NAME = '<table>' AND LOAD_ID = '<text>' AND COMMAND_ID = '<id>');

-- After a discard: the rows of the files that were given up.
-- https://docs.snowflake.com/en/sql-reference/sql/delete
DELETE FROM RAW_RUN."MATERIALS_RUN" WHERE LOAD_ID = '<text>' AND COMMAND_ID = '<id>' AND SOURCE_FILE IN (SELECT SOURCE_FILE FROM
    RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = '<text>' AND COMMAND_ID = '<id>' AND STATUS = 'DISCARDED');

-- The SUCCESS line, unless the audit has learned something of this load since, and only while the lock is still this attempt's: the
-- count of rows, none or one, tells. Not plain SQL: SELECT * FROM (VALUES …) AS V (names), whose values are constants at compile
-- time, casts among them. No subquery is correlated.
-- https://docs.snowflake.com/en/sql-reference/sql/insert
-- https://docs.snowflake.com/en/sql-reference/constructs/values
-- https://docs.snowflake.com/en/sql-reference/operators-subquery
INSERT INTO RAW.RAW_LOAD_AUDIT (LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_NAME, SOURCE_FILE, FILE_ID, STATUS, ATTEMPT, ROWS_LOADED,
    ROWS_REJECTED, BYTES, MODIFIED_AT, AS_OF, STARTED_AT, FINISHED_AT, ERROR, TRACE_ID, RUN_FILES, TABLE_FILES, WORKER,
    DECIDED_BY, DECIDED_WHY) SELECT * FROM (VALUES ('<text>', '<id>', '<table>', '<text>', '<text>', '<text>', 'SUCCESS', <n>,
    <n>, <n>, <n>, CAST('<time>' AS TIMESTAMP), CAST('<time>' AS TIMESTAMP), CAST('<time>' AS TIMESTAMP), CAST('<time>' AS
    TIMESTAMP), CAST(NULL AS VARCHAR), '<id>', <n>, <n>, '<text>', CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR))) AS V (LOAD_ID,
    COMMAND_ID, TABLE_NAME, SOURCE_NAME, SOURCE_FILE, FILE_ID, STATUS, ATTEMPT, ROWS_LOADED, ROWS_REJECTED, BYTES, MODIFIED_AT,
    AS_OF, STARTED_AT, FINISHED_AT, ERROR, TRACE_ID, RUN_FILES, TABLE_FILES, WORKER, DECIDED_BY, DECIDED_WHY) WHERE NOT EXISTS
    (SELECT 1 FROM RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = '<text>' AND TABLE_NAME = '<table>' AND ((COMMAND_ID > '<id>' AND STATUS IN
    ('SUCCESS', 'PLANNED', 'QUARANTINED')) OR (COMMAND_ID = '<id>' AND SOURCE_FILE = '<text>' AND STATUS IN ('SUCCESS',
    'QUARANTINED', 'CANCELLED')) OR (COMMAND_ID < '<id>' AND STATUS IN ('SUCCESS', 'QUARANTINED')))) AND NOT EXISTS (SELECT 1 FROM
    RAW.STAGE_AUDIT WHERE STAGE = 'ingest' AND STATUS = 'CANCEL_REQUESTED' AND LOAD_ID = '<text>' AND MESSAGE_ID = '<id>') AND
    EXISTS (SELECT 1 FROM RAW_RUN.LOAD_LOCK_<nn> WHERE HOLDER = '<text>');

-- From here on all of it is seen.
-- https://docs.snowflake.com/en/sql-reference/sql/commit
COMMIT;

-- The folder of the stage: after its load, and at a start where it is old. Not plain SQL: REMOVE.
-- https://docs.snowflake.com/en/sql-reference/sql/remove
REMOVE @RAW_RUN.LOAD_STAGE/<table>/<id>/;

-- The SUCCESS line of a load that replaces an older generation: the fence was asked under the lock, which must still be this
-- attempt's.
-- https://docs.snowflake.com/en/sql-reference/sql/insert
-- https://docs.snowflake.com/en/sql-reference/constructs/values
-- https://docs.snowflake.com/en/sql-reference/operators-subquery
INSERT INTO RAW.RAW_LOAD_AUDIT (LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_NAME, SOURCE_FILE, FILE_ID, STATUS, ATTEMPT, ROWS_LOADED,
    ROWS_REJECTED, BYTES, MODIFIED_AT, AS_OF, STARTED_AT, FINISHED_AT, ERROR, TRACE_ID, RUN_FILES, TABLE_FILES, WORKER,
    DECIDED_BY, DECIDED_WHY) SELECT * FROM (VALUES ('<text>', '<id>', '<table>', '<text>', '<text>', '<text>', 'SUCCESS', <n>,
    <n>, <n>, <n>, CAST('<time>' AS TIMESTAMP), CAST('<time>' AS TIMESTAMP), CAST('<time>' AS TIMESTAMP), CAST('<time>' AS
    TIMESTAMP), CAST(NULL AS VARCHAR), '<id>', <n>, <n>, '<text>', CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR))) AS V (LOAD_ID,
    COMMAND_ID, TABLE_NAME, SOURCE_NAME, SOURCE_FILE, FILE_ID, STATUS, ATTEMPT, ROWS_LOADED, ROWS_REJECTED, BYTES, MODIFIED_AT,
    AS_OF, STARTED_AT, FINISHED_AT, ERROR, TRACE_ID, RUN_FILES, TABLE_FILES, WORKER, DECIDED_BY, DECIDED_WHY) WHERE EXISTS (SELECT
    1 FROM RAW_RUN.LOAD_LOCK_<nn> WHERE HOLDER = '<text>');

-- AUDIT. What is recorded beside loads.

-- The plan of a run, once: nothing is written where there is one, or where the command was taken back. Not plain SQL: VALUES in FROM;
-- NOT EXISTS twice, neither of them correlated.
-- https://docs.snowflake.com/en/sql-reference/sql/insert
-- https://docs.snowflake.com/en/sql-reference/constructs/values
-- https://docs.snowflake.com/en/user-guide/querying-subqueries
INSERT INTO RAW.RAW_LOAD_AUDIT (LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_NAME, SOURCE_FILE, FILE_ID, STATUS, ATTEMPT, ROWS_LOADED,
    ROWS_REJECTED, BYTES, MODIFIED_AT, AS_OF, STARTED_AT, FINISHED_AT, ERROR, TRACE_ID, RUN_FILES, TABLE_FILES, WORKER,
    DECIDED_BY, DECIDED_WHY) SELECT * FROM (VALUES ('<text>', '<id>', '<table>', '<text>', '<text>', CAST(NULL AS VARCHAR),
    'PLANNED', <n>, <n>, <n>, <n>, CAST('<time>' AS TIMESTAMP), CAST('<time>' AS TIMESTAMP), CAST('<time>' AS TIMESTAMP),
    CAST('<time>' AS TIMESTAMP), CAST(NULL AS VARCHAR), '<id>', <n>, <n>, '<text>', CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR)))
    AS V (LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_NAME, SOURCE_FILE, FILE_ID, STATUS, ATTEMPT, ROWS_LOADED, ROWS_REJECTED, BYTES,
    MODIFIED_AT, AS_OF, STARTED_AT, FINISHED_AT, ERROR, TRACE_ID, RUN_FILES, TABLE_FILES, WORKER, DECIDED_BY, DECIDED_WHY) WHERE
    NOT EXISTS (SELECT 1 FROM RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = '<text>' AND COMMAND_ID = '<id>' AND STATUS = 'PLANNED') AND NOT
    EXISTS (SELECT 1 FROM RAW.STAGE_AUDIT WHERE (STAGE = 'ingest' AND STATUS = 'CANCEL_REQUESTED' AND LOAD_ID = '<text>' AND
    MESSAGE_ID = '<id>') OR (STAGE = 'ingest' AND STATUS = 'CANCELLED' AND LOAD_ID = '<text>' AND MESSAGE_ID = '<id>'));

-- A file that failed. Not plain SQL: VALUES in FROM. A backslash, which would escape what follows it in a literal, is written
-- as CHR(92): a constant as well.
-- https://docs.snowflake.com/en/sql-reference/sql/insert
-- https://docs.snowflake.com/en/sql-reference/constructs/values
-- https://docs.snowflake.com/en/sql-reference/data-types-text#escape-sequences-in-single-quoted-string-constants
INSERT INTO RAW.RAW_LOAD_AUDIT (LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_NAME, SOURCE_FILE, FILE_ID, STATUS, ATTEMPT, ROWS_LOADED,
    ROWS_REJECTED, BYTES, MODIFIED_AT, AS_OF, STARTED_AT, FINISHED_AT, ERROR, TRACE_ID, RUN_FILES, TABLE_FILES, WORKER,
    DECIDED_BY, DECIDED_WHY) SELECT * FROM (VALUES (('<text>' || CHR(92) || '<text>'), '<id>', '', '', ('<text>' || CHR(92) ||
    '<text>'), '<text>', 'FAILED', <n>, <n>, <n>, <n>, CAST('<time>' AS TIMESTAMP), CAST('<time>' AS TIMESTAMP), CAST('<time>' AS
    TIMESTAMP), CAST('<time>' AS TIMESTAMP), ('<text>' || CHR(92) || '<text>'), '<id>', <n>, <n>, '<text>', CAST(NULL AS VARCHAR),
    CAST(NULL AS VARCHAR))) AS V (LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_NAME, SOURCE_FILE, FILE_ID, STATUS, ATTEMPT,
    ROWS_LOADED, ROWS_REJECTED, BYTES, MODIFIED_AT, AS_OF, STARTED_AT, FINISHED_AT, ERROR, TRACE_ID, RUN_FILES, TABLE_FILES,
    WORKER, DECIDED_BY, DECIDED_WHY);

-- A file that failed. Not plain SQL: VALUES in FROM.
-- https://docs.snowflake.com/en/sql-reference/sql/insert
-- https://docs.snowflake.com/en/sql-reference/constructs/values
INSERT INTO RAW.RAW_LOAD_AUDIT (LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_NAME, SOURCE_FILE, FILE_ID, STATUS, ATTEMPT, ROWS_LOADED,
    ROWS_REJECTED, BYTES, MODIFIED_AT, AS_OF, STARTED_AT, FINISHED_AT, ERROR, TRACE_ID, RUN_FILES, TABLE_FILES, WORKER,
    DECIDED_BY, DECIDED_WHY) SELECT * FROM (VALUES ('<text>', '<id>', '<table>', '<text>', '<text>', '<text>', 'FAILED', <n>, <n>,
    <n>, <n>, CAST('<time>' AS TIMESTAMP), CAST('<time>' AS TIMESTAMP), CAST('<time>' AS TIMESTAMP), CAST('<time>' AS TIMESTAMP),
    '<text>', '<id>', <n>, <n>, '<text>', CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR))) AS V (LOAD_ID, COMMAND_ID, TABLE_NAME,
    SOURCE_NAME, SOURCE_FILE, FILE_ID, STATUS, ATTEMPT, ROWS_LOADED, ROWS_REJECTED, BYTES, MODIFIED_AT, AS_OF, STARTED_AT,
    FINISHED_AT, ERROR, TRACE_ID, RUN_FILES, TABLE_FILES, WORKER, DECIDED_BY, DECIDED_WHY);

-- The lock of a stage's audit: two workers with one message write one line.
-- https://docs.snowflake.com/en/sql-reference/sql/update
-- https://docs.snowflake.com/en/sql-reference/transactions#resource-locking
UPDATE RAW_RUN.LOAD_LOCK_<nn> SET HOLDER = 'dq';

-- The lock of a stage's audit: two workers with one message write one line.
-- https://docs.snowflake.com/en/sql-reference/sql/update
-- https://docs.snowflake.com/en/sql-reference/transactions#resource-locking
UPDATE RAW_RUN.LOAD_LOCK_<nn> SET HOLDER = 'transform';

-- What the checks found, unless another worker was quicker. Not plain SQL: VALUES in FROM, a NULL of which has its type, because
-- a column's type is made of all its values. NOT EXISTS is correlated by an equality, which is what may be.
-- https://docs.snowflake.com/en/sql-reference/sql/insert
-- https://docs.snowflake.com/en/sql-reference/constructs/values
-- https://docs.snowflake.com/en/user-guide/querying-subqueries
INSERT INTO RAW.DATA_QUALITY_AUDIT (LOAD_ID, CHECK_NAME, TABLE_NAME, SEVERITY, STATUS, OBSERVED, EXPECTED, FAILED_ROWS,
    CHECKED_AT, KIND, VALUE, ORIGIN) SELECT * FROM (VALUES ('<text>', '<text>', '<text>', '<text>', '<text>', '<text>', '<text>',
    CAST(NULL AS BIGINT), CAST('<time>' AS TIMESTAMP), '<text>', CAST(<n> AS DOUBLE), '<text>'), ('<text>', '<text>', '<text>',
    '<text>', '<text>', '<text>', '<text>', <n>, CAST('<time>' AS TIMESTAMP), '<text>', CAST(<n> AS DOUBLE), '<text>')) AS V
    (LOAD_ID, CHECK_NAME, TABLE_NAME, SEVERITY, STATUS, OBSERVED, EXPECTED, FAILED_ROWS, CHECKED_AT, KIND, VALUE, ORIGIN) WHERE
    NOT EXISTS (SELECT 1 FROM RAW.STAGE_AUDIT S WHERE S.STAGE = 'dq' AND S.LOAD_ID = V.LOAD_ID AND S.MESSAGE_ID IN ('<id>', …) AND
    S.STATUS <> 'CANCEL_REQUESTED' AND (S.FINISHED_AT >= CAST('<time>' AS TIMESTAMP) OR S.STATUS IN ('CANCELLED')));

-- What dbt's tests found, unless another worker was quicker. Not plain SQL: VALUES in FROM; NOT EXISTS as above.
-- https://docs.snowflake.com/en/sql-reference/sql/insert
-- https://docs.snowflake.com/en/sql-reference/constructs/values
-- https://docs.snowflake.com/en/user-guide/querying-subqueries
INSERT INTO RAW.DATA_QUALITY_AUDIT (LOAD_ID, CHECK_NAME, TABLE_NAME, SEVERITY, STATUS, OBSERVED, EXPECTED, FAILED_ROWS,
    CHECKED_AT, KIND, VALUE, ORIGIN) SELECT * FROM (VALUES ('<text>', '<text>', '<text>', '<text>', '<text>', '<text>', '<text>',
    <n>, CAST('<time>' AS TIMESTAMP), '<text>', CAST(<n> AS DOUBLE), '<text>')) AS V (LOAD_ID, CHECK_NAME, TABLE_NAME, SEVERITY,
    STATUS, OBSERVED, EXPECTED, FAILED_ROWS, CHECKED_AT, KIND, VALUE, ORIGIN) WHERE NOT EXISTS (SELECT 1 FROM RAW.STAGE_AUDIT S
    WHERE S.STAGE = 'transform' AND S.LOAD_ID = V.LOAD_ID AND S.MESSAGE_ID IN ('<id>', …) AND S.STATUS <> 'CANCEL_REQUESTED' AND
    (S.FINISHED_AT >= CAST('<time>' AS TIMESTAMP) OR S.STATUS IN ('CANCELLED')));

-- What a gate found, in the load's transaction.
-- https://docs.snowflake.com/en/sql-reference/sql/insert
-- https://docs.snowflake.com/en/sql-reference/constructs/values
INSERT INTO RAW.DATA_QUALITY_AUDIT (LOAD_ID, CHECK_NAME, TABLE_NAME, SEVERITY, STATUS, OBSERVED, EXPECTED, FAILED_ROWS,
    CHECKED_AT, KIND, VALUE, ORIGIN) SELECT * FROM (VALUES ('<text>', '<text>', '<text>', '<text>', '<text>', '<text>', '<text>',
    CAST(NULL AS BIGINT), CAST('<time>' AS TIMESTAMP), '<text>', CAST(<n> AS DOUBLE), 'GATE')) AS V (LOAD_ID, CHECK_NAME,
    TABLE_NAME, SEVERITY, STATUS, OBSERVED, EXPECTED, FAILED_ROWS, CHECKED_AT, KIND, VALUE, ORIGIN);

-- What a stage did with a message, unless another worker was quicker. Not plain SQL: VALUES in FROM; NOT EXISTS as above.
-- https://docs.snowflake.com/en/sql-reference/sql/insert
-- https://docs.snowflake.com/en/sql-reference/constructs/values
-- https://docs.snowflake.com/en/user-guide/querying-subqueries
INSERT INTO RAW.STAGE_AUDIT (LOAD_ID, STAGE, MESSAGE_ID, STATUS, ATTEMPT, STARTED_AT, FINISHED_AT, ERROR, ANNOUNCED, TRACE_ID,
    WORKER) SELECT * FROM (VALUES ('<text>', 'dq', '<id>', 'SUCCESS', <n>, CAST('<time>' AS TIMESTAMP), CAST('<time>' AS
    TIMESTAMP), CAST(NULL AS VARCHAR), '<text>', '<id>', '<text>')) AS V (LOAD_ID, STAGE, MESSAGE_ID, STATUS, ATTEMPT, STARTED_AT,
    FINISHED_AT, ERROR, ANNOUNCED, TRACE_ID, WORKER) WHERE NOT EXISTS (SELECT 1 FROM RAW.STAGE_AUDIT S WHERE S.STAGE = 'dq' AND
    S.MESSAGE_ID = V.MESSAGE_ID AND S.MESSAGE_ID IN ('<id>', …) AND S.STATUS <> 'CANCEL_REQUESTED' AND (S.FINISHED_AT >=
    CAST('<time>' AS TIMESTAMP) OR S.STATUS IN ('CANCELLED')));

-- What a stage did with a message, unless another worker was quicker. Not plain SQL: VALUES in FROM; NOT EXISTS as above.
-- https://docs.snowflake.com/en/sql-reference/sql/insert
-- https://docs.snowflake.com/en/sql-reference/constructs/values
-- https://docs.snowflake.com/en/user-guide/querying-subqueries
INSERT INTO RAW.STAGE_AUDIT (LOAD_ID, STAGE, MESSAGE_ID, STATUS, ATTEMPT, STARTED_AT, FINISHED_AT, ERROR, ANNOUNCED, TRACE_ID,
    WORKER) SELECT * FROM (VALUES ('<text>', 'transform', '<id>', 'SUCCESS', <n>, CAST('<time>' AS TIMESTAMP), CAST('<time>' AS
    TIMESTAMP), CAST(NULL AS VARCHAR), '<text>', '<id>', '<text>')) AS V (LOAD_ID, STAGE, MESSAGE_ID, STATUS, ATTEMPT, STARTED_AT,
    FINISHED_AT, ERROR, ANNOUNCED, TRACE_ID, WORKER) WHERE NOT EXISTS (SELECT 1 FROM RAW.STAGE_AUDIT S WHERE S.STAGE = 'transform'
    AND S.MESSAGE_ID = V.MESSAGE_ID AND S.MESSAGE_ID IN ('<id>', …) AND S.STATUS <> 'CANCEL_REQUESTED' AND (S.FINISHED_AT >=
    CAST('<time>' AS TIMESTAMP) OR S.STATUS IN ('CANCELLED')));

-- READING. What workers and people ask.

-- How fresh each source is: at a worker's start.
-- https://docs.snowflake.com/en/sql-reference/constructs/join
SELECT A.SOURCE_NAME, MAX(C.AS_OF), MAX(A.FINISHED_AT) FROM RAW.RAW_LOAD_AUDIT A LEFT JOIN RAW.CURRENT_LOADS C ON C.TABLE_NAME =
    A.TABLE_NAME AND C.LOAD_ID = A.LOAD_ID AND C.COMMAND_ID = A.COMMAND_ID WHERE A.STATUS = 'SUCCESS' GROUP BY A.SOURCE_NAME ORDER
    BY A.SOURCE_NAME;

-- `millrace query`: what somebody has written, and what begins like a question.
-- https://docs.snowflake.com/en/sql-reference/sql/select
SELECT LOAD_ID FROM RAW.MATERIALS;

-- `millrace load`: what the checks found.
-- https://docs.snowflake.com/en/sql-reference/sql/select
SELECT LOAD_ID, CHECK_NAME, TABLE_NAME, SEVERITY, STATUS, OBSERVED, EXPECTED, FAILED_ROWS, CHECKED_AT, KIND, VALUE, ORIGIN FROM
    RAW.DATA_QUALITY_AUDIT WHERE LOAD_ID = '<text>' ORDER BY CHECKED_AT, TABLE_NAME, CHECK_NAME;

-- `millrace loads`: the newest line of each file. Not plain SQL: QUALIFY; ORDER BY and LIMIT come after it.
-- https://docs.snowflake.com/en/sql-reference/constructs/qualify
-- https://docs.snowflake.com/en/sql-reference/constructs/limit
SELECT LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_NAME, SOURCE_FILE, FILE_ID, STATUS, ATTEMPT, ROWS_LOADED, ROWS_REJECTED, BYTES,
    MODIFIED_AT, AS_OF, STARTED_AT, FINISHED_AT, ERROR, TRACE_ID, RUN_FILES, TABLE_FILES, WORKER, DECIDED_BY, DECIDED_WHY FROM
    RAW.RAW_LOAD_AUDIT QUALIFY ROW_NUMBER() OVER (PARTITION BY LOAD_ID, SOURCE_FILE ORDER BY FINISHED_AT DESC, CASE STATUS WHEN
    'SUCCESS' THEN 5 WHEN 'DISCARDED' THEN 4 WHEN 'QUARANTINED' THEN 3 WHEN 'CANCELLED' THEN 2 WHEN 'FAILED' THEN 1 ELSE 0 END
    DESC) = 1 ORDER BY FINISHED_AT DESC, LOAD_ID, TABLE_NAME, SOURCE_FILE LIMIT <n>;

-- Where a run stands, after each of its files. Not plain SQL: QUALIFY.
-- https://docs.snowflake.com/en/sql-reference/constructs/qualify
SELECT LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_NAME, SOURCE_FILE, FILE_ID, STATUS, ATTEMPT, ROWS_LOADED, ROWS_REJECTED, BYTES,
    MODIFIED_AT, AS_OF, STARTED_AT, FINISHED_AT, ERROR, TRACE_ID, RUN_FILES, TABLE_FILES, WORKER, DECIDED_BY, DECIDED_WHY FROM
    RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = '<text>' AND (COMMAND_ID = '<id>' OR (COMMAND_ID > '<id>' AND STATUS IN ('SUCCESS',
    'PLANNED', 'QUARANTINED'))) QUALIFY ROW_NUMBER() OVER (PARTITION BY COMMAND_ID, SOURCE_FILE ORDER BY CASE STATUS WHEN
    'SUCCESS' THEN 5 WHEN 'DISCARDED' THEN 4 WHEN 'QUARANTINED' THEN 3 WHEN 'CANCELLED' THEN 2 WHEN 'FAILED' THEN 1 ELSE 0 END
    DESC, FINISHED_AT DESC) = 1 ORDER BY TABLE_NAME, SOURCE_FILE;

-- Where a run stands, after each of its files. Not plain SQL: QUALIFY.
-- https://docs.snowflake.com/en/sql-reference/constructs/qualify
SELECT LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_NAME, SOURCE_FILE, FILE_ID, STATUS, ATTEMPT, ROWS_LOADED, ROWS_REJECTED, BYTES,
    MODIFIED_AT, AS_OF, STARTED_AT, FINISHED_AT, ERROR, TRACE_ID, RUN_FILES, TABLE_FILES, WORKER, DECIDED_BY, DECIDED_WHY FROM
    RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = ('<text>' || CHR(92) || '<text>') AND (COMMAND_ID = '<id>' OR (COMMAND_ID > '<id>' AND
    STATUS IN ('SUCCESS', 'PLANNED', 'QUARANTINED'))) QUALIFY ROW_NUMBER() OVER (PARTITION BY COMMAND_ID, SOURCE_FILE ORDER BY
    CASE STATUS WHEN 'SUCCESS' THEN 5 WHEN 'DISCARDED' THEN 4 WHEN 'QUARANTINED' THEN 3 WHEN 'CANCELLED' THEN 2 WHEN 'FAILED' THEN
    1 ELSE 0 END DESC, FINISHED_AT DESC) = 1 ORDER BY TABLE_NAME, SOURCE_FILE;

-- The plan of a run, as it was made.
-- https://docs.snowflake.com/en/sql-reference/sql/select
SELECT LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_NAME, SOURCE_FILE, FILE_ID, STATUS, ATTEMPT, ROWS_LOADED, ROWS_REJECTED, BYTES,
    MODIFIED_AT, AS_OF, STARTED_AT, FINISHED_AT, ERROR, TRACE_ID, RUN_FILES, TABLE_FILES, WORKER, DECIDED_BY, DECIDED_WHY FROM
    RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = '<text>' AND COMMAND_ID = '<id>' AND STATUS = 'PLANNED' ORDER BY TABLE_NAME, SOURCE_FILE;

-- `millrace load`: its lines.
-- https://docs.snowflake.com/en/sql-reference/sql/select
SELECT LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_NAME, SOURCE_FILE, FILE_ID, STATUS, ATTEMPT, ROWS_LOADED, ROWS_REJECTED, BYTES,
    MODIFIED_AT, AS_OF, STARTED_AT, FINISHED_AT, ERROR, TRACE_ID, RUN_FILES, TABLE_FILES, WORKER, DECIDED_BY, DECIDED_WHY FROM
    RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = '<text>' ORDER BY FINISHED_AT, CASE STATUS WHEN 'SUCCESS' THEN 5 WHEN 'DISCARDED' THEN 4
    WHEN 'QUARANTINED' THEN 3 WHEN 'CANCELLED' THEN 2 WHEN 'FAILED' THEN 1 ELSE 0 END, TABLE_NAME, SOURCE_FILE;

-- Which messages were handled before. Not plain SQL: QUALIFY.
-- https://docs.snowflake.com/en/sql-reference/constructs/qualify
SELECT LOAD_ID, STAGE, MESSAGE_ID, STATUS, ATTEMPT, STARTED_AT, FINISHED_AT, ERROR, ANNOUNCED, TRACE_ID, WORKER FROM
    RAW.STAGE_AUDIT WHERE STAGE = 'dq' AND MESSAGE_ID IN ('<id>', …) QUALIFY ROW_NUMBER() OVER (PARTITION BY MESSAGE_ID, CASE WHEN
    STATUS <> 'CANCEL_REQUESTED' THEN '' ELSE LOAD_ID END ORDER BY FINISHED_AT DESC) = 1;

-- Which messages were handled before. Not plain SQL: QUALIFY.
-- https://docs.snowflake.com/en/sql-reference/constructs/qualify
SELECT LOAD_ID, STAGE, MESSAGE_ID, STATUS, ATTEMPT, STARTED_AT, FINISHED_AT, ERROR, ANNOUNCED, TRACE_ID, WORKER FROM
    RAW.STAGE_AUDIT WHERE STAGE = 'transform' AND MESSAGE_ID IN ('<id>', …) QUALIFY ROW_NUMBER() OVER (PARTITION BY MESSAGE_ID,
    CASE WHEN STATUS <> 'CANCEL_REQUESTED' THEN '' ELSE LOAD_ID END ORDER BY FINISHED_AT DESC) = 1;

-- `up --once`: what the stages did since it began.
-- https://docs.snowflake.com/en/sql-reference/sql/select
SELECT LOAD_ID, STAGE, MESSAGE_ID, STATUS, ATTEMPT, STARTED_AT, FINISHED_AT, ERROR, ANNOUNCED, TRACE_ID, WORKER FROM
    RAW.STAGE_AUDIT WHERE FINISHED_AT >= CAST('<time>' AS TIMESTAMP) ORDER BY FINISHED_AT, STARTED_AT;

-- `millrace loads`: all of loads that were cancelled last, where one may hide what is held back. Not plain SQL: CASE in ORDER BY.
-- https://docs.snowflake.com/en/sql-reference/functions/case
-- https://docs.snowflake.com/en/sql-reference/constructs/order-by
SELECT LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_NAME, SOURCE_FILE, FILE_ID, STATUS, ATTEMPT, ROWS_LOADED, ROWS_REJECTED, BYTES,
    MODIFIED_AT, AS_OF, STARTED_AT, FINISHED_AT, ERROR, TRACE_ID, RUN_FILES, TABLE_FILES, WORKER, DECIDED_BY, DECIDED_WHY FROM
    RAW.RAW_LOAD_AUDIT WHERE LOAD_ID IN ('<text>', …) ORDER BY LOAD_ID, FINISHED_AT, CASE STATUS WHEN 'SUCCESS' THEN 5 WHEN
    'DISCARDED' THEN 4 WHEN 'QUARANTINED' THEN 3 WHEN 'CANCELLED' THEN 2 WHEN 'FAILED' THEN 1 ELSE 0 END;

-- `millrace load`: what the stages did.
-- https://docs.snowflake.com/en/sql-reference/sql/select
SELECT LOAD_ID, STAGE, MESSAGE_ID, STATUS, ATTEMPT, STARTED_AT, FINISHED_AT, ERROR, ANNOUNCED, TRACE_ID, WORKER FROM
    RAW.STAGE_AUDIT WHERE LOAD_ID = '<text>' ORDER BY FINISHED_AT, STARTED_AT;

-- `millrace load`: of which tables it is the current load. The condition stands outside of a view with QUALIFY, so it is asked
-- after it.
-- https://docs.snowflake.com/en/sql-reference/constructs/qualify
SELECT TABLE_NAME FROM RAW.CURRENT_LOADS WHERE LOAD_ID = '<text>' ORDER BY 1;

-- QUALITY. What dq measures.

-- Which rows are judged. The text of AS_OF is what TIMESTAMP_NTZ_OUTPUT_FORMAT says, which every session sets. The mark tells loads
-- apart in a list of many: MD5 gives 32 hexadecimal digits.
-- https://docs.snowflake.com/en/sql-reference/operators-query
-- https://docs.snowflake.com/en/sql-reference/parameters#timestamp-ntz-output-format
-- https://docs.snowflake.com/en/sql-reference/functions/md5
SELECT 'own' AS WHAT, TABLE_NAME, LOAD_ID, COMMAND_ID, CAST(AS_OF AS VARCHAR) AS AS_OF, LEFT(MD5(LOAD_ID), 16) AS MARK FROM
    RAW.COMPLETE_LOADS WHERE LOAD_ID IN ('<text>', …) UNION ALL SELECT 'newest' AS WHAT, TABLE_NAME, LOAD_ID, COMMAND_ID,
    CAST(AS_OF AS VARCHAR) AS AS_OF, '<text>' AS MARK FROM RAW.CURRENT_LOADS;

-- What a gate asks, in the load's transaction: it sees the rows that it has copied.
-- https://docs.snowflake.com/en/sql-reference/transactions
-- https://docs.snowflake.com/en/sql-reference/constructs/from
SELECT * FROM (SELECT COUNT(*) AS M0_0 FROM (SELECT * FROM RAW_RUN."MATERIALS_RUN" WHERE LOAD_ID = '<text>' AND COMMAND_ID =
    '<id>') R) S0;

-- Some rows that did not pass, at most so many for each check, with the beginnings of their values.
-- https://docs.snowflake.com/en/sql-reference/functions/left
SELECT * FROM (SELECT 0 AS NTH, R.SOURCE_FILE, R.SOURCE_ROW, LEFT(R."MATERIAL_ID", 201) AS C0, LEFT(R."MATERIAL_NAME", 201) AS C1,
    LEFT(R."MATERIAL_TYPE", 201) AS C2, LEFT(R."UNIT_OF_MEASURE", 201) AS C3, LEFT(R."STANDARD_COST", 201) AS C4,
    LEFT(R."CURRENCY", 201) AS C5, LEFT(R."SUPPLIER_ID", 201) AS C6, LEFT(R."LEAD_TIME_DAYS", 201) AS C7, LEFT(R."CREATED_AT",
    201) AS C8 FROM (SELECT * FROM RAW_RUN."MATERIALS_RUN" WHERE LOAD_ID = '<text>' AND COMMAND_ID = '<id>') R WHERE
    NULLIF(TRIM(R."MATERIAL_ID"), '') IS NOT NULL AND NOT EXISTS (SELECT 1 FROM RAW."PRODUCTION_ORDERS" O WHERE O."MATERIAL_ID" =
    R."MATERIAL_ID") ORDER BY R.SOURCE_FILE, R.SOURCE_ROW LIMIT 5) S0;

-- How many rows the models have that a build made, where somebody records it.
-- https://docs.snowflake.com/en/sql-reference/functions/count
SELECT 0 AS N, COUNT(*) AS C FROM <relation> UNION ALL SELECT 1 AS N, COUNT(*) AS C FROM <relation> …;

-- REPORT. `millrace report`, of the last days; how fresh the data is, is asked as by ingest.

-- Whether there is a warehouse to report on at all.
-- https://docs.snowflake.com/en/sql-reference/functions/count
SELECT COUNT(*) FROM RAW.RAW_LOAD_AUDIT;

-- What the later stages did for them. Of the event that was announced only the verdict is sent, found as text.
-- https://docs.snowflake.com/en/sql-reference/functions/like
-- https://docs.snowflake.com/en/sql-reference/functions/substr
SELECT LOAD_ID, STAGE, STATUS, STARTED_AT, FINISHED_AT, SUBSTR(ERROR, 1, 301), TRACE_ID, CASE WHEN ANNOUNCED LIKE '<text>' THEN
    '<text>' END FROM RAW.STAGE_AUDIT WHERE FINISHED_AT >= CAST('<time>' AS TIMESTAMP) ORDER BY FINISHED_AT DESC LIMIT <n>;

-- How the checks of each table's newest loads ended. Not plain SQL: QUALIFY, over what a subquery has grouped.
-- https://docs.snowflake.com/en/sql-reference/constructs/qualify
-- https://docs.snowflake.com/en/sql-reference/constructs/group-by
SELECT TABLE_NAME, LOAD_ID, CHECKS, NOT_PASSED, OLDEST FROM (SELECT TABLE_NAME, LOAD_ID, COUNT(*) AS CHECKS, SUM(CASE WHEN STATUS
    = '<text>' THEN 0 ELSE 1 END) AS NOT_PASSED, MIN(CHECKED_AT) AS OLDEST, MAX(CHECKED_AT) AS NEWEST FROM RAW.DATA_QUALITY_AUDIT
    WHERE CHECKED_AT >= CAST('<time>' AS TIMESTAMP) GROUP BY TABLE_NAME, LOAD_ID) Q QUALIFY ROW_NUMBER() OVER (PARTITION BY
    TABLE_NAME ORDER BY NEWEST DESC) <= 180 ORDER BY TABLE_NAME, NEWEST DESC;

-- How often each check did not pass. Grouped by the places of columns; ORIGIN is NULL in lines of older versions.
-- https://docs.snowflake.com/en/sql-reference/constructs/group-by
-- https://docs.snowflake.com/en/sql-reference/functions/coalesce
SELECT TABLE_NAME, CHECK_NAME, COALESCE(ORIGIN, '<text>'), COUNT(*), SUM(CASE WHEN STATUS = '<text>' THEN 0 ELSE 1 END) FROM
    RAW.DATA_QUALITY_AUDIT WHERE CHECKED_AT >= CAST('<time>' AS TIMESTAMP) GROUP BY 1, 2, 3;

-- Rejected rows by file and reason. Ordered by the name that the SELECT list gives.
-- https://docs.snowflake.com/en/sql-reference/constructs/group-by
-- https://docs.snowflake.com/en/sql-reference/constructs/order-by
SELECT TABLE_NAME, SOURCE_FILE, REASON, COUNT(*) AS ROW_COUNT, MAX(REJECTED_AT) FROM RAW.REJECTED_ROWS WHERE REJECTED_AT >=
    CAST('<time>' AS TIMESTAMP) GROUP BY TABLE_NAME, SOURCE_FILE, REASON ORDER BY ROW_COUNT DESC, TABLE_NAME, SOURCE_FILE, REASON
    LIMIT <n>;

-- The newest rejected rows, the beginning of each.
-- https://docs.snowflake.com/en/sql-reference/functions/substr
-- https://docs.snowflake.com/en/sql-reference/constructs/limit
SELECT LOAD_ID, SOURCE_FILE, SOURCE_LINE, REASON, SUBSTR(RAW_TEXT, 1, 201), IS_TRUNCATED FROM RAW.REJECTED_ROWS WHERE REJECTED_AT
    >= CAST('<time>' AS TIMESTAMP) ORDER BY REJECTED_AT DESC, LOAD_ID, SOURCE_FILE, SOURCE_LINE LIMIT <n>;

-- Files whose columns were not their contract's.
-- https://docs.snowflake.com/en/sql-reference/constructs/limit
SELECT NOTED_AT, TABLE_NAME, SOURCE_FILE, CHANGE, COLUMN_NAME, POLICY FROM RAW.SCHEMA_CHANGES WHERE NOTED_AT >= CAST('<time>' AS
    TIMESTAMP) ORDER BY NOTED_AT DESC, TABLE_NAME, SOURCE_FILE, COLUMN_NAME LIMIT <n>;

-- Failing rows that were kept, by check. Ordered by the places of columns.
-- https://docs.snowflake.com/en/sql-reference/functions/count
-- https://docs.snowflake.com/en/sql-reference/constructs/order-by
SELECT TABLE_NAME, CHECK_NAME, COUNT(*), COUNT(DISTINCT LOAD_ID) FROM RAW.QUALITY_SAMPLES WHERE CHECKED_AT >= CAST('<time>' AS
    TIMESTAMP) GROUP BY TABLE_NAME, CHECK_NAME ORDER BY 3 DESC, 1, 2 LIMIT <n>;

-- The checks' results for each table's newest loads, a condition for each table. Ordered by the place of a column.
-- https://docs.snowflake.com/en/sql-reference/constructs/order-by
-- https://docs.snowflake.com/en/sql-reference/functions/substr
SELECT TABLE_NAME, CHECK_NAME, KIND, COALESCE(ORIGIN, '<text>'), SEVERITY, STATUS, VALUE, SUBSTR(OBSERVED, 1, 200),
    SUBSTR(EXPECTED, 1, 200), FAILED_ROWS, CHECKED_AT FROM RAW.DATA_QUALITY_AUDIT WHERE (TABLE_NAME = '<text>' AND CHECKED_AT >=
    CAST('<time>' AS TIMESTAMP)) OR (TABLE_NAME = '<text>' AND CHECKED_AT >= CAST('<time>' AS TIMESTAMP)) OR (TABLE_NAME =
    '<text>' AND CHECKED_AT >= CAST('<time>' AS TIMESTAMP)) OR (TABLE_NAME = '<text>' AND CHECKED_AT >= CAST('<time>' AS
    TIMESTAMP)) OR (TABLE_NAME = '<text>' AND CHECKED_AT >= CAST('<time>' AS TIMESTAMP)) OR (TABLE_NAME = '<text>' AND CHECKED_AT
    >= CAST('<time>' AS TIMESTAMP)) OR (TABLE_NAME = '<text>' AND CHECKED_AT >= CAST('<time>' AS TIMESTAMP)) OR (TABLE_NAME =
    '<text>' AND CHECKED_AT >= CAST('<time>' AS TIMESTAMP)) ORDER BY TABLE_NAME, CHECK_NAME, 4, CHECKED_AT;

-- Which tables and views the role may see, so that no row of a missing one is counted. Not plain SQL: INFORMATION_SCHEMA.
-- https://docs.snowflake.com/en/sql-reference/info-schema/tables
SELECT TABLE_SCHEMA, TABLE_NAME FROM INFORMATION_SCHEMA.TABLES WHERE UPPER(TABLE_SCHEMA) <> '<text>';

-- How many rows the tables and views of the lineage have: of a table the service knows it, a view is computed.
-- https://docs.snowflake.com/en/sql-reference/functions/count
-- https://docs.snowflake.com/en/sql-reference/operators-query
SELECT '<text>' AS S, '<text>' AS N, COUNT(*) AS C FROM "CORE"."CORE_BATCHES" UNION ALL SELECT '<text>' AS S, '<text>' AS N,
    COUNT(*) AS C FROM "CORE"."CORE_FCT_BATCH_OUTPUT" UNION ALL SELECT '<text>' AS S, '<text>' AS N, COUNT(*) AS C FROM
    "CORE"."CORE_MATERIALS" UNION ALL SELECT '<text>' AS S, '<text>' AS N, COUNT(*) AS C FROM "CORE"."CORE_PRODUCTION_ORDERS"
    UNION ALL SELECT '<text>' AS S, '<text>' AS N, COUNT(*) AS C FROM "MARTS"."MART_BATCH_FEATURES" UNION ALL SELECT '<text>' AS
    S, '<text>' AS N, COUNT(*) AS C FROM "MARTS"."MART_DAILY_PLANT_LINE_KPIS" UNION ALL SELECT '<text>' AS S, '<text>' AS N,
    COUNT(*) AS C FROM "MARTS"."MART_MATERIAL_PERFORMANCE" UNION ALL SELECT 'RAW' AS S, '<table>' AS N, COUNT(*) AS C FROM
    "RAW"."BATCHES" UNION ALL SELECT 'RAW' AS S, '<table>' AS N, COUNT(*) AS C FROM "RAW"."MATERIALS" UNION ALL SELECT 'RAW' AS S,
    '<table>' AS N, COUNT(*) AS C FROM "RAW"."PRODUCTION_ORDERS" UNION ALL SELECT 'RAW' AS S, '<table>' AS N, COUNT(*) AS C FROM
    "RAW"."READINGS" UNION ALL SELECT '<text>' AS S, '<text>' AS N, COUNT(*) AS C FROM "STAGING"."STG_BATCHES" UNION ALL SELECT
    '<text>' AS S, '<text>' AS N, COUNT(*) AS C FROM "STAGING"."STG_MATERIALS" UNION ALL SELECT '<text>' AS S, '<text>' AS N,
    COUNT(*) AS C FROM "STAGING"."STG_PRODUCTION_ORDERS";

-- CHECK. `millrace check`.

-- `check`: one row into its temporary table, as a load does it.
-- https://docs.snowflake.com/en/sql-reference/sql/copy-into-table
COPY INTO RAW_RUN."MILLRACE_CHECK_<id>_RUN" ("A", SOURCE_ROW, LOAD_ID, SOURCE_FILE, LOADED_AT, COMMAND_ID) FROM (SELECT $2, $1,
    '<text>', '<text>', CAST('<time>' AS TIMESTAMP), '<id>' FROM @RAW_RUN.LOAD_STAGE/<table>/<id>/) FILES = ('<part>', …)
    FILE_FORMAT = (TYPE = CSV COMPRESSION = GZIP RECORD_DELIMITER = '\n' FIELD_DELIMITER = ',' MULTI_LINE = TRUE PARSE_HEADER =
    FALSE SKIP_HEADER = 0 SKIP_BLANK_LINES = FALSE ESCAPE = NONE ESCAPE_UNENCLOSED_FIELD = NONE TRIM_SPACE = FALSE
    FIELD_OPTIONALLY_ENCLOSED_BY = '"' NULL_IF = () EMPTY_FIELD_AS_NULL = TRUE REPLACE_INVALID_CHARACTERS = FALSE
    SKIP_BYTE_ORDER_MARK = FALSE ENCODING = 'UTF8') ON_ERROR = ABORT_STATEMENT PURGE = FALSE FORCE = TRUE;

-- Who we are, and where.
-- https://docs.snowflake.com/en/sql-reference/functions-context
SELECT CURRENT_VERSION(), CURRENT_ACCOUNT(), CURRENT_USER(), CURRENT_ROLE(), CURRENT_WAREHOUSE(), CURRENT_DATABASE();

-- Is the stage there?
-- https://docs.snowflake.com/en/sql-reference/info-schema/stages
SELECT STAGE_NAME FROM INFORMATION_SCHEMA.STAGES WHERE STAGE_SCHEMA = 'RAW_RUN' AND STAGE_NAME = 'LOAD_STAGE';

-- Can the role make schemas? Asked only where one is missing.
-- https://docs.snowflake.com/en/sql-reference/sql/create-schema
CREATE SCHEMA MILLRACE_CHECK_<id>;

-- Can it make views there?
-- https://docs.snowflake.com/en/sql-reference/sql/create-view
CREATE VIEW CORE.MILLRACE_CHECK_<id> AS SELECT 1 AS A;

-- Can it make views there?
-- https://docs.snowflake.com/en/sql-reference/sql/create-view
CREATE VIEW MARTS.MILLRACE_CHECK_<id> AS SELECT 1 AS A;

-- Can it make views there?
-- https://docs.snowflake.com/en/sql-reference/sql/create-view
CREATE VIEW RAW.MILLRACE_CHECK_<id> AS SELECT 1 AS A;

-- Can it make views there?
-- https://docs.snowflake.com/en/sql-reference/sql/create-view
CREATE VIEW STAGING.MILLRACE_CHECK_<id> AS SELECT 1 AS A;

-- A table that ends with the session, for one row that goes the way of a load.
-- https://docs.snowflake.com/en/sql-reference/sql/create-table
CREATE TEMPORARY TABLE IF NOT EXISTS RAW_RUN."MILLRACE_CHECK_<id>_RUN" ("A" VARCHAR, LOAD_ID VARCHAR, SOURCE_FILE VARCHAR,
    SOURCE_ROW BIGINT, LOADED_AT TIMESTAMP, COMMAND_ID VARCHAR);

-- Can it make tables there?
-- https://docs.snowflake.com/en/sql-reference/sql/create-table
CREATE TABLE CORE.MILLRACE_CHECK_<id> (A BIGINT);

-- Can it make tables there?
-- https://docs.snowflake.com/en/sql-reference/sql/create-table
CREATE TABLE MARTS.MILLRACE_CHECK_<id> (A BIGINT);

-- Can it make tables there?
-- https://docs.snowflake.com/en/sql-reference/sql/create-table
CREATE TABLE RAW.MILLRACE_CHECK_<id> (A BIGINT);

-- Can it make tables there?
-- https://docs.snowflake.com/en/sql-reference/sql/create-table
CREATE TABLE RAW_RUN.MILLRACE_CHECK_<id> (A BIGINT);

-- Can it make tables there?
-- https://docs.snowflake.com/en/sql-reference/sql/create-table
CREATE TABLE STAGING.MILLRACE_CHECK_<id> (A BIGINT);

-- What was tried goes again.
-- https://docs.snowflake.com/en/sql-reference/sql/drop-schema
DROP SCHEMA MILLRACE_CHECK_<id>;

-- What was tried goes again.
-- https://docs.snowflake.com/en/sql-reference/sql/drop-view
DROP VIEW CORE.MILLRACE_CHECK_<id>;

-- What was tried goes again.
-- https://docs.snowflake.com/en/sql-reference/sql/drop-view
DROP VIEW MARTS.MILLRACE_CHECK_<id>;

-- What was tried goes again.
-- https://docs.snowflake.com/en/sql-reference/sql/drop-view
DROP VIEW RAW.MILLRACE_CHECK_<id>;

-- What was tried goes again.
-- https://docs.snowflake.com/en/sql-reference/sql/drop-view
DROP VIEW STAGING.MILLRACE_CHECK_<id>;

-- What was tried goes again.
-- https://docs.snowflake.com/en/sql-reference/sql/drop-table
DROP TABLE CORE.MILLRACE_CHECK_<id>;

-- What was tried goes again.
-- https://docs.snowflake.com/en/sql-reference/sql/drop-table
DROP TABLE MARTS.MILLRACE_CHECK_<id>;

-- What was tried goes again.
-- https://docs.snowflake.com/en/sql-reference/sql/drop-table
DROP TABLE RAW.MILLRACE_CHECK_<id>;

-- What was tried goes again.
-- https://docs.snowflake.com/en/sql-reference/sql/drop-table
DROP TABLE RAW_RUN.MILLRACE_CHECK_<id>;

-- What was tried goes again.
-- https://docs.snowflake.com/en/sql-reference/sql/drop-table
DROP TABLE STAGING.MILLRACE_CHECK_<id>;

-- What is known of a command of ingest: whether it was taken back, and whether it ended so before its files were planned. As for the
-- other stages: the newest end of each message, and of each LOAD_ID that it was taken back.
-- https://docs.snowflake.com/en/sql-reference/constructs/qualify
SELECT LOAD_ID, STAGE, MESSAGE_ID, STATUS, ATTEMPT, STARTED_AT, FINISHED_AT, ERROR, ANNOUNCED, TRACE_ID, WORKER FROM
    RAW.STAGE_AUDIT WHERE STAGE = 'ingest' AND MESSAGE_ID IN ('<id>', …) QUALIFY ROW_NUMBER() OVER (PARTITION BY MESSAGE_ID, CASE
    WHEN STATUS <> 'CANCEL_REQUESTED' THEN '' ELSE LOAD_ID END ORDER BY FINISHED_AT DESC) = 1;

-- A file that was taken back, once, unless it was loaded meanwhile: whoever loads it holds the same lock.
-- https://docs.snowflake.com/en/sql-reference/sql/insert
-- https://docs.snowflake.com/en/sql-reference/constructs/values
-- https://docs.snowflake.com/en/user-guide/querying-subqueries
INSERT INTO RAW.RAW_LOAD_AUDIT (LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_NAME, SOURCE_FILE, FILE_ID, STATUS, ATTEMPT, ROWS_LOADED,
    ROWS_REJECTED, BYTES, MODIFIED_AT, AS_OF, STARTED_AT, FINISHED_AT, ERROR, TRACE_ID, RUN_FILES, TABLE_FILES, WORKER,
    DECIDED_BY, DECIDED_WHY) SELECT * FROM (VALUES ('<text>', '<id>', '<table>', '<text>', '<text>', CAST(NULL AS VARCHAR),
    'CANCELLED', <n>, <n>, <n>, <n>, CAST('<time>' AS TIMESTAMP), CAST('<time>' AS TIMESTAMP), CAST('<time>' AS TIMESTAMP),
    CAST('<time>' AS TIMESTAMP), '<text>', '<id>', <n>, <n>, '<text>', CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR))) AS V
    (LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_NAME, SOURCE_FILE, FILE_ID, STATUS, ATTEMPT, ROWS_LOADED, ROWS_REJECTED, BYTES,
    MODIFIED_AT, AS_OF, STARTED_AT, FINISHED_AT, ERROR, TRACE_ID, RUN_FILES, TABLE_FILES, WORKER, DECIDED_BY, DECIDED_WHY) WHERE
    NOT EXISTS (SELECT 1 FROM RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = '<text>' AND COMMAND_ID = '<id>' AND SOURCE_FILE = '<text>' AND
    STATUS IN ('SUCCESS', 'QUARANTINED', 'CANCELLED'));

-- A decision about files that are held back, of each that nobody has decided about and that no newer command has taken over, but for
-- one of which a file was cancelled. The first subquery compares for equality alone with what is outside of it, the others with nothing.
-- https://docs.snowflake.com/en/sql-reference/sql/insert
-- https://docs.snowflake.com/en/user-guide/querying-subqueries
-- https://docs.snowflake.com/en/sql-reference/functions/in
INSERT INTO RAW.RAW_LOAD_AUDIT (LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_NAME, SOURCE_FILE, FILE_ID, STATUS, ATTEMPT, ROWS_LOADED,
    ROWS_REJECTED, BYTES, MODIFIED_AT, AS_OF, STARTED_AT, FINISHED_AT, ERROR, TRACE_ID, RUN_FILES, TABLE_FILES, WORKER,
    DECIDED_BY, DECIDED_WHY) SELECT * FROM (VALUES ('<text>', '<id>', '<table>', '<text>', '<text>', '<text>', 'DISCARDED', <n>,
    <n>, <n>, <n>, CAST('<time>' AS TIMESTAMP), CAST('<time>' AS TIMESTAMP), CAST('<time>' AS TIMESTAMP), CAST('<time>' AS
    TIMESTAMP), '<text>', '<id>', <n>, <n>, '<text>', '<text>', '<text>')) AS V (LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_NAME,
    SOURCE_FILE, FILE_ID, STATUS, ATTEMPT, ROWS_LOADED, ROWS_REJECTED, BYTES, MODIFIED_AT, AS_OF, STARTED_AT, FINISHED_AT, ERROR,
    TRACE_ID, RUN_FILES, TABLE_FILES, WORKER, DECIDED_BY, DECIDED_WHY) WHERE NOT EXISTS (SELECT 1 FROM RAW.RAW_LOAD_AUDIT A WHERE
    A.LOAD_ID = '<text>' AND A.COMMAND_ID = '<id>' AND A.STATUS IN ('SUCCESS', 'DISCARDED') AND A.SOURCE_FILE = V.SOURCE_FILE) AND
    V.TABLE_NAME NOT IN (SELECT TABLE_NAME FROM RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = '<text>' AND COMMAND_ID > '<id>' AND STATUS IN
    ('SUCCESS', 'PLANNED', 'QUARANTINED') AND (TABLE_NAME, COMMAND_ID) NOT IN (SELECT TABLE_NAME, COMMAND_ID FROM
    RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = '<text>' AND STATUS = 'CANCELLED'));

-- A decision about files that are held back, of each that nobody has decided about and that no newer command has taken over, but for
-- one of which a file was cancelled. The first subquery compares for equality alone with what is outside of it, the others with nothing.
-- https://docs.snowflake.com/en/sql-reference/sql/insert
-- https://docs.snowflake.com/en/user-guide/querying-subqueries
-- https://docs.snowflake.com/en/sql-reference/functions/in
INSERT INTO RAW.RAW_LOAD_AUDIT (LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_NAME, SOURCE_FILE, FILE_ID, STATUS, ATTEMPT, ROWS_LOADED,
    ROWS_REJECTED, BYTES, MODIFIED_AT, AS_OF, STARTED_AT, FINISHED_AT, ERROR, TRACE_ID, RUN_FILES, TABLE_FILES, WORKER,
    DECIDED_BY, DECIDED_WHY) SELECT * FROM (VALUES ('<text>', '<id>', '<table>', '<text>', '<text>', '<text>', 'SUCCESS', <n>,
    <n>, <n>, <n>, CAST('<time>' AS TIMESTAMP), CAST('<time>' AS TIMESTAMP), CAST('<time>' AS TIMESTAMP), CAST('<time>' AS
    TIMESTAMP), CAST(NULL AS VARCHAR), '<id>', <n>, <n>, '<text>', '<text>', '<text>')) AS V (LOAD_ID, COMMAND_ID, TABLE_NAME,
    SOURCE_NAME, SOURCE_FILE, FILE_ID, STATUS, ATTEMPT, ROWS_LOADED, ROWS_REJECTED, BYTES, MODIFIED_AT, AS_OF, STARTED_AT,
    FINISHED_AT, ERROR, TRACE_ID, RUN_FILES, TABLE_FILES, WORKER, DECIDED_BY, DECIDED_WHY) WHERE NOT EXISTS (SELECT 1 FROM
    RAW.RAW_LOAD_AUDIT A WHERE A.LOAD_ID = '<text>' AND A.COMMAND_ID = '<id>' AND A.STATUS IN ('SUCCESS', 'DISCARDED') AND
    A.SOURCE_FILE = V.SOURCE_FILE) AND V.TABLE_NAME NOT IN (SELECT TABLE_NAME FROM RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = '<text>' AND
    COMMAND_ID > '<id>' AND STATUS IN ('SUCCESS', 'PLANNED', 'QUARANTINED') AND (TABLE_NAME, COMMAND_ID) NOT IN (SELECT
    TABLE_NAME, COMMAND_ID FROM RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = '<text>' AND STATUS = 'CANCELLED'));

-- The line of a file that is held back, unless the audit has learned something of this load since, and only while the lock is still
-- this attempt's. Not plain SQL: VALUES in FROM; NOT EXISTS as in the SUCCESS line.
-- https://docs.snowflake.com/en/sql-reference/sql/insert
-- https://docs.snowflake.com/en/sql-reference/constructs/values
INSERT INTO RAW.RAW_LOAD_AUDIT (LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_NAME, SOURCE_FILE, FILE_ID, STATUS, ATTEMPT, ROWS_LOADED,
    ROWS_REJECTED, BYTES, MODIFIED_AT, AS_OF, STARTED_AT, FINISHED_AT, ERROR, TRACE_ID, RUN_FILES, TABLE_FILES, WORKER,
    DECIDED_BY, DECIDED_WHY) SELECT * FROM (VALUES ('<text>', '<id>', '<table>', '<text>', '<text>', '<text>', 'QUARANTINED', <n>,
    <n>, <n>, <n>, CAST('<time>' AS TIMESTAMP), CAST('<time>' AS TIMESTAMP), CAST('<time>' AS TIMESTAMP), CAST('<time>' AS
    TIMESTAMP), '<text>', '<id>', <n>, <n>, '<text>', CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR))) AS V (LOAD_ID, COMMAND_ID,
    TABLE_NAME, SOURCE_NAME, SOURCE_FILE, FILE_ID, STATUS, ATTEMPT, ROWS_LOADED, ROWS_REJECTED, BYTES, MODIFIED_AT, AS_OF,
    STARTED_AT, FINISHED_AT, ERROR, TRACE_ID, RUN_FILES, TABLE_FILES, WORKER, DECIDED_BY, DECIDED_WHY) WHERE NOT EXISTS (SELECT 1
    FROM RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = '<text>' AND TABLE_NAME = '<table>' AND ((COMMAND_ID > '<id>' AND STATUS IN
    ('SUCCESS', 'PLANNED', 'QUARANTINED')) OR (COMMAND_ID = '<id>' AND SOURCE_FILE = '<text>' AND STATUS IN ('SUCCESS',
    'QUARANTINED', 'CANCELLED')) OR (COMMAND_ID < '<id>' AND STATUS IN ('SUCCESS', 'QUARANTINED')))) AND NOT EXISTS (SELECT 1 FROM
    RAW.STAGE_AUDIT WHERE STAGE = 'ingest' AND STATUS = 'CANCEL_REQUESTED' AND LOAD_ID = '<text>' AND MESSAGE_ID = '<id>') AND
    EXISTS (SELECT 1 FROM RAW_RUN.LOAD_LOCK_<nn> WHERE HOLDER = '<text>');

-- A message that was taken back ended so, once, unless its work was done meanwhile.
-- https://docs.snowflake.com/en/sql-reference/sql/insert
-- https://docs.snowflake.com/en/sql-reference/constructs/values
-- https://docs.snowflake.com/en/user-guide/querying-subqueries
INSERT INTO RAW.STAGE_AUDIT (LOAD_ID, STAGE, MESSAGE_ID, STATUS, ATTEMPT, STARTED_AT, FINISHED_AT, ERROR, ANNOUNCED, TRACE_ID,
    WORKER) SELECT * FROM (VALUES ('<text>', 'dq', '<id>', 'CANCELLED', <n>, CAST('<time>' AS TIMESTAMP), CAST('<time>' AS
    TIMESTAMP), '<text>', '<text>', '<id>', '<text>')) AS V (LOAD_ID, STAGE, MESSAGE_ID, STATUS, ATTEMPT, STARTED_AT, FINISHED_AT,
    ERROR, ANNOUNCED, TRACE_ID, WORKER) WHERE NOT EXISTS (SELECT 1 FROM RAW.STAGE_AUDIT S WHERE S.STAGE = 'dq' AND S.MESSAGE_ID =
    V.MESSAGE_ID AND S.MESSAGE_ID IN ('<id>', …) AND S.STATUS <> 'CANCEL_REQUESTED' AND (S.FINISHED_AT >= CAST('<time>' AS
    TIMESTAMP) OR S.STATUS IN ('CANCELLED', 'FAILED', 'SUCCESS')));

-- Somebody takes a command back: once for each stage, command and load, however often that is said.
-- https://docs.snowflake.com/en/sql-reference/sql/insert
-- https://docs.snowflake.com/en/sql-reference/constructs/values
-- https://docs.snowflake.com/en/user-guide/querying-subqueries
INSERT INTO RAW.STAGE_AUDIT (LOAD_ID, STAGE, MESSAGE_ID, STATUS, ATTEMPT, STARTED_AT, FINISHED_AT, ERROR, ANNOUNCED, TRACE_ID,
    WORKER) SELECT * FROM (VALUES ('<text>', 'dq', '<id>', 'CANCEL_REQUESTED', <n>, CAST('<time>' AS TIMESTAMP), CAST('<time>' AS
    TIMESTAMP), '<text>', '<text>', '<id>', '<text>')) AS V (LOAD_ID, STAGE, MESSAGE_ID, STATUS, ATTEMPT, STARTED_AT, FINISHED_AT,
    ERROR, ANNOUNCED, TRACE_ID, WORKER) WHERE NOT EXISTS (SELECT 1 FROM RAW.STAGE_AUDIT WHERE STAGE = 'dq' AND STATUS =
    'CANCEL_REQUESTED' AND LOAD_ID = '<text>' AND MESSAGE_ID = '<id>');

-- A command that was taken back before its files were planned ended so, once; one that has a plan ends file by file.
-- https://docs.snowflake.com/en/sql-reference/sql/insert
-- https://docs.snowflake.com/en/sql-reference/constructs/values
-- https://docs.snowflake.com/en/user-guide/querying-subqueries
INSERT INTO RAW.STAGE_AUDIT (LOAD_ID, STAGE, MESSAGE_ID, STATUS, ATTEMPT, STARTED_AT, FINISHED_AT, ERROR, ANNOUNCED, TRACE_ID,
    WORKER) SELECT * FROM (VALUES ('<text>', 'ingest', '<id>', 'CANCELLED', <n>, CAST('<time>' AS TIMESTAMP), CAST('<time>' AS
    TIMESTAMP), '<text>', '<text>', '<id>', '<text>')) AS V (LOAD_ID, STAGE, MESSAGE_ID, STATUS, ATTEMPT, STARTED_AT, FINISHED_AT,
    ERROR, ANNOUNCED, TRACE_ID, WORKER) WHERE NOT EXISTS (SELECT 1 FROM RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = '<text>' AND COMMAND_ID
    = '<id>' AND STATUS = 'PLANNED') AND NOT EXISTS (SELECT 1 FROM RAW.STAGE_AUDIT WHERE STAGE = 'ingest' AND STATUS = 'CANCELLED'
    AND LOAD_ID = '<text>' AND MESSAGE_ID = '<id>');

-- Somebody takes a command back: once for each stage, command and load, however often that is said.
-- https://docs.snowflake.com/en/sql-reference/sql/insert
-- https://docs.snowflake.com/en/sql-reference/constructs/values
-- https://docs.snowflake.com/en/user-guide/querying-subqueries
INSERT INTO RAW.STAGE_AUDIT (LOAD_ID, STAGE, MESSAGE_ID, STATUS, ATTEMPT, STARTED_AT, FINISHED_AT, ERROR, ANNOUNCED, TRACE_ID,
    WORKER) SELECT * FROM (VALUES ('<text>', 'ingest', '<id>', 'CANCEL_REQUESTED', <n>, CAST('<time>' AS TIMESTAMP), CAST('<time>'
    AS TIMESTAMP), '<text>', '<text>', '<id>', '<text>')) AS V (LOAD_ID, STAGE, MESSAGE_ID, STATUS, ATTEMPT, STARTED_AT,
    FINISHED_AT, ERROR, ANNOUNCED, TRACE_ID, WORKER) WHERE NOT EXISTS (SELECT 1 FROM RAW.STAGE_AUDIT WHERE STAGE = 'ingest' AND
    STATUS = 'CANCEL_REQUESTED' AND LOAD_ID = '<text>' AND MESSAGE_ID = '<id>');

-- A message that was taken back ended so, once, unless its work was done meanwhile.
-- https://docs.snowflake.com/en/sql-reference/sql/insert
-- https://docs.snowflake.com/en/sql-reference/constructs/values
-- https://docs.snowflake.com/en/user-guide/querying-subqueries
INSERT INTO RAW.STAGE_AUDIT (LOAD_ID, STAGE, MESSAGE_ID, STATUS, ATTEMPT, STARTED_AT, FINISHED_AT, ERROR, ANNOUNCED, TRACE_ID,
    WORKER) SELECT * FROM (VALUES ('<text>', 'transform', '<id>', 'CANCELLED', <n>, CAST('<time>' AS TIMESTAMP), CAST('<time>' AS
    TIMESTAMP), '<text>', '<text>', '<id>', '<text>')) AS V (LOAD_ID, STAGE, MESSAGE_ID, STATUS, ATTEMPT, STARTED_AT, FINISHED_AT,
    ERROR, ANNOUNCED, TRACE_ID, WORKER) WHERE NOT EXISTS (SELECT 1 FROM RAW.STAGE_AUDIT S WHERE S.STAGE = 'transform' AND
    S.MESSAGE_ID = V.MESSAGE_ID AND S.MESSAGE_ID IN ('<id>', …) AND S.STATUS <> 'CANCEL_REQUESTED' AND (S.FINISHED_AT >=
    CAST('<time>' AS TIMESTAMP) OR S.STATUS IN ('CANCELLED', 'FAILED', 'SUCCESS')));

-- Somebody takes a command back: once for each stage, command and load, however often that is said.
-- https://docs.snowflake.com/en/sql-reference/sql/insert
-- https://docs.snowflake.com/en/sql-reference/constructs/values
-- https://docs.snowflake.com/en/user-guide/querying-subqueries
INSERT INTO RAW.STAGE_AUDIT (LOAD_ID, STAGE, MESSAGE_ID, STATUS, ATTEMPT, STARTED_AT, FINISHED_AT, ERROR, ANNOUNCED, TRACE_ID,
    WORKER) SELECT * FROM (VALUES ('<text>', 'transform', '<id>', 'CANCEL_REQUESTED', <n>, CAST('<time>' AS TIMESTAMP),
    CAST('<time>' AS TIMESTAMP), '<text>', '<text>', '<id>', '<text>')) AS V (LOAD_ID, STAGE, MESSAGE_ID, STATUS, ATTEMPT,
    STARTED_AT, FINISHED_AT, ERROR, ANNOUNCED, TRACE_ID, WORKER) WHERE NOT EXISTS (SELECT 1 FROM RAW.STAGE_AUDIT WHERE STAGE =
    'transform' AND STATUS = 'CANCEL_REQUESTED' AND LOAD_ID = '<text>' AND MESSAGE_ID = '<id>');

-- What a stage did with a message, unless another worker was quicker. Not plain SQL: VALUES in FROM; NOT EXISTS as above.
-- https://docs.snowflake.com/en/sql-reference/sql/insert
-- https://docs.snowflake.com/en/sql-reference/constructs/values
-- https://docs.snowflake.com/en/user-guide/querying-subqueries
INSERT INTO RAW.STAGE_AUDIT (LOAD_ID, STAGE, MESSAGE_ID, STATUS, ATTEMPT, STARTED_AT, FINISHED_AT, ERROR, ANNOUNCED, TRACE_ID,
    WORKER) SELECT * FROM (VALUES ('<text>', 'dq', '<id>', 'FAILED', <n>, CAST('<time>' AS TIMESTAMP), CAST('<time>' AS
    TIMESTAMP), '<text>', '<text>', '<id>', '<text>')) AS V (LOAD_ID, STAGE, MESSAGE_ID, STATUS, ATTEMPT, STARTED_AT, FINISHED_AT,
    ERROR, ANNOUNCED, TRACE_ID, WORKER) WHERE NOT EXISTS (SELECT 1 FROM RAW.STAGE_AUDIT S WHERE S.STAGE = 'dq' AND S.MESSAGE_ID =
    V.MESSAGE_ID AND S.MESSAGE_ID IN ('<id>', …) AND S.STATUS <> 'CANCEL_REQUESTED' AND (S.FINISHED_AT >= CAST('<time>' AS
    TIMESTAMP) OR S.STATUS IN ('CANCELLED')));

-- Rows that were set aside, in the load's transaction: at most 200 and some 500 KB of text in one statement, which may have 1 MB.
-- https://docs.snowflake.com/en/sql-reference/sql/insert
-- https://docs.snowflake.com/en/sql-reference/constructs/values
-- https://docs.snowflake.com/en/user-guide/query-size-limits
INSERT INTO RAW.REJECTED_ROWS (LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_FILE, SOURCE_LINE, REASON, RAW_TEXT, IS_TRUNCATED,
    REJECTED_AT) SELECT * FROM (VALUES ('<text>', '<id>', '<table>', '<text>', <n>, '<text>', '<text>', FALSE, CAST('<time>' AS
    TIMESTAMP)), ('<text>', '<id>', '<table>', '<text>', <n>, '<text>', ('<text>' || CHR(92) || '<text>'), FALSE, CAST('<time>' AS
    TIMESTAMP))) AS V (LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_FILE, SOURCE_LINE, REASON, RAW_TEXT, IS_TRUNCATED, REJECTED_AT);

-- Where a file's shape was not its contract's, in the load's transaction.
-- https://docs.snowflake.com/en/sql-reference/sql/insert
-- https://docs.snowflake.com/en/sql-reference/constructs/values
INSERT INTO RAW.SCHEMA_CHANGES (LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_FILE, CHANGE, COLUMN_NAME, POLICY, NOTED_AT) SELECT * FROM
    (VALUES ('<text>', '<id>', '<table>', '<text>', '<text>', '<text>', '<text>', CAST('<time>' AS TIMESTAMP))) AS V (LOAD_ID,
    COMMAND_ID, TABLE_NAME, SOURCE_FILE, CHANGE, COLUMN_NAME, POLICY, NOTED_AT);

-- Some rows that did not pass, with the checks that found them, unless another worker was quicker.
-- https://docs.snowflake.com/en/sql-reference/sql/insert
-- https://docs.snowflake.com/en/sql-reference/constructs/values
-- https://docs.snowflake.com/en/user-guide/querying-subqueries
INSERT INTO RAW.QUALITY_SAMPLES (LOAD_ID, CHECK_NAME, TABLE_NAME, SOURCE_FILE, SOURCE_ROW, ROW_DATA, CHECKED_AT) SELECT * FROM
    (VALUES ('<text>', '<text>', '<text>', '<text>', <n>, '<text>', CAST('<time>' AS TIMESTAMP))) AS V (LOAD_ID, CHECK_NAME,
    TABLE_NAME, SOURCE_FILE, SOURCE_ROW, ROW_DATA, CHECKED_AT) WHERE NOT EXISTS (SELECT 1 FROM RAW.STAGE_AUDIT S WHERE S.STAGE =
    'dq' AND S.LOAD_ID = V.LOAD_ID AND S.MESSAGE_ID IN ('<id>', …) AND S.STATUS <> 'CANCEL_REQUESTED' AND (S.FINISHED_AT >=
    CAST('<time>' AS TIMESTAMP) OR S.STATUS IN ('CANCELLED')));

-- How far a file has come under a command that is heard to be taken back: the line that counts most.
-- https://docs.snowflake.com/en/sql-reference/constructs/order-by
-- https://docs.snowflake.com/en/sql-reference/functions/case
SELECT LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_NAME, SOURCE_FILE, FILE_ID, STATUS, ATTEMPT, ROWS_LOADED, ROWS_REJECTED, BYTES,
    MODIFIED_AT, AS_OF, STARTED_AT, FINISHED_AT, ERROR, TRACE_ID, RUN_FILES, TABLE_FILES, WORKER, DECIDED_BY, DECIDED_WHY FROM
    RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = '<text>' AND COMMAND_ID = '<id>' AND SOURCE_FILE = '<text>' ORDER BY CASE STATUS WHEN
    'SUCCESS' THEN 5 WHEN 'DISCARDED' THEN 4 WHEN 'QUARANTINED' THEN 3 WHEN 'CANCELLED' THEN 2 WHEN 'FAILED' THEN 1 ELSE 0 END
    DESC, FINISHED_AT DESC LIMIT <n>;

-- Where the shape of a load's files was not their contract's, of the generations that count. Not plain SQL: IN with several columns.
-- https://docs.snowflake.com/en/sql-reference/functions/in
SELECT LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_FILE, CHANGE, COLUMN_NAME, POLICY, NOTED_AT FROM RAW.SCHEMA_CHANGES WHERE LOAD_ID =
    '<text>' AND (TABLE_NAME, COMMAND_ID) IN (SELECT TABLE_NAME, MAX(COMMAND_ID) FROM RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = '<text>'
    AND STATUS IN ('SUCCESS', 'PLANNED', 'QUARANTINED') GROUP BY TABLE_NAME) ORDER BY TABLE_NAME, SOURCE_FILE, CHANGE, COLUMN_NAME;

-- The rows of a load that were set aside, of the generations that count. Not plain SQL: IN with several columns.
-- https://docs.snowflake.com/en/sql-reference/functions/in
SELECT LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_FILE, SOURCE_LINE, REASON, RAW_TEXT, IS_TRUNCATED, REJECTED_AT FROM
    RAW.REJECTED_ROWS WHERE LOAD_ID = '<text>' AND (TABLE_NAME, COMMAND_ID) IN (SELECT TABLE_NAME, MAX(COMMAND_ID) FROM
    RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = '<text>' AND STATUS IN ('SUCCESS', 'PLANNED', 'QUARANTINED') GROUP BY TABLE_NAME) ORDER BY
    TABLE_NAME, SOURCE_FILE, SOURCE_LINE LIMIT <n>;

-- Who records that a command of ingest is taken back waits here for others who do.
-- https://docs.snowflake.com/en/sql-reference/transactions#resource-locking
UPDATE RAW_RUN.LOAD_LOCK_<nn> SET HOLDER = 'ingest';

-- All checks of a table at once: each part has one row, so their product has one. Not plain SQL: TRY_CAST, which takes text
-- only, and has it; a number is no point in time, though Snowflake would read seconds since 1970. The greatest DOUBLE is written with an exponent, so it is one; NaN is greater than it. NOT EXISTS is
-- correlated by an equality of expressions, over a view with scalar subqueries of its own: a real account must say (README.md).
-- A sum of integers is a NUMBER of 38 digits.
-- https://docs.snowflake.com/en/sql-reference/functions/try_cast
-- https://docs.snowflake.com/en/sql-reference/data-types-numeric
-- https://docs.snowflake.com/en/sql-reference/functions/sum
-- https://docs.snowflake.com/en/user-guide/querying-subqueries
SELECT * FROM (SELECT COUNT(*) AS M0_0, COUNT(CASE WHEN R."MATERIAL_ID" BETWEEN '<text>' AND '<text>' THEN 1 WHEN
    TRIM(R."MATERIAL_ID") <> '' THEN 1 END) AS M0_1, COUNT(DISTINCT CASE WHEN R."MATERIAL_ID" BETWEEN '<text>' AND '<text>' THEN
    R."MATERIAL_ID" WHEN TRIM(R."MATERIAL_ID") <> '' THEN R."MATERIAL_ID" END) AS M0_2, COUNT(CASE WHEN (R."MATERIAL_NAME" BETWEEN
    '<text>' AND '<text>' OR TRIM(R."MATERIAL_NAME") <> '') AND (R."MATERIAL_TYPE" BETWEEN '<text>' AND '<text>' OR
    TRIM(R."MATERIAL_TYPE") <> '') THEN 1 END) AS M0_3, CAST(COALESCE(SUM(CASE WHEN R."MATERIAL_TYPE" IN ('RAW', '<text>') THEN 1
    WHEN NULLIF(TRIM(R."MATERIAL_TYPE"), '') IS NULL THEN 0 ELSE 1000000000001 END), 0) AS VARCHAR) AS M0_4,
    CAST(COALESCE(SUM(CASE WHEN R."MATERIAL_TYPE" IN ('RAW', '<text>') THEN 1 WHEN NULLIF(TRIM(R."MATERIAL_TYPE"), '') IS NULL
    THEN 0 WHEN UPPER(NULLIF(TRIM(R."MATERIAL_TYPE"), '')) IN ('RAW', '<text>') THEN 1 ELSE 1000000000001 END), 0) AS VARCHAR) AS
    M0_5, CAST(COALESCE(SUM(CASE WHEN TRY_CAST(R."STANDARD_COST" AS DOUBLE) BETWEEN 0.0 AND 1000000.0 THEN 1 WHEN
    NULLIF(TRIM(R."STANDARD_COST"), '') IS NULL THEN 0 WHEN TRY_CAST(NULLIF(TRIM(R."STANDARD_COST"), '') AS DOUBLE) BETWEEN 0.0
    AND 1000000.0 THEN 1 ELSE 1000000000001 END), 0) AS VARCHAR) AS M0_6, CAST(COALESCE(SUM(CASE WHEN TRY_CAST(R."LEAD_TIME_DAYS"
    AS DOUBLE) BETWEEN 0.0 AND 1.7976931348623157e308 THEN 1 WHEN NULLIF(TRIM(R."LEAD_TIME_DAYS"), '') IS NULL THEN 0 WHEN
    TRY_CAST(NULLIF(TRIM(R."LEAD_TIME_DAYS"), '') AS DOUBLE) BETWEEN 0.0 AND 1.7976931348623157e308 THEN 1 ELSE 1000000000001
    END), 0) AS VARCHAR) AS M0_7, CAST(COALESCE(SUM(CASE WHEN TRY_CAST(CASE WHEN R."CREATED_AT" LIKE '<text>' THEN R."CREATED_AT"
    END AS TIMESTAMP) >= CAST('<time>' AS TIMESTAMP) THEN 1 WHEN NULLIF(TRIM(R."CREATED_AT"), '') IS NULL THEN 0 WHEN
    TRY_CAST(CASE WHEN TRY_CAST(NULLIF(TRIM(R."CREATED_AT"), '') AS DOUBLE) IS NULL THEN NULLIF(TRIM(R."CREATED_AT"), '') END AS
    TIMESTAMP) >= CAST('<time>' AS TIMESTAMP) THEN 1 ELSE 1000000000001 END), 0) AS VARCHAR) AS M0_8, CAST(MAX(TRY_CAST(CASE WHEN
    TRY_CAST(NULLIF(TRIM(R."CREATED_AT"), '') AS DOUBLE) IS NULL THEN NULLIF(TRIM(R."CREATED_AT"), '') END AS TIMESTAMP)) AS
    VARCHAR) AS M0_9, COUNT(CASE WHEN R."SUPPLIER_ID" BETWEEN '<text>' AND '<text>' THEN 1 WHEN TRIM(R."SUPPLIER_ID") <> '' THEN 1
    END) AS M0_10 FROM (SELECT * FROM RAW_RUN."MATERIALS_RUN" WHERE LOAD_ID = '<text>' AND COMMAND_ID = '<id>') R) S0 CROSS JOIN
    (SELECT COUNT(*) AS M1_0 FROM (SELECT 1 FROM (SELECT * FROM RAW_RUN."MATERIALS_RUN" WHERE LOAD_ID = '<text>' AND COMMAND_ID =
    '<id>') R WHERE (R."MATERIAL_NAME" BETWEEN '<text>' AND '<text>' OR TRIM(R."MATERIAL_NAME") <> '') AND (R."MATERIAL_TYPE"
    BETWEEN '<text>' AND '<text>' OR TRIM(R."MATERIAL_TYPE") <> '') GROUP BY UPPER(NULLIF(TRIM(R."MATERIAL_NAME"), '')),
    UPPER(NULLIF(TRIM(R."MATERIAL_TYPE"), ''))) D) S1 CROSS JOIN (SELECT COUNT(*) AS M2_0 FROM (SELECT * FROM
    RAW_RUN."MATERIALS_RUN" WHERE LOAD_ID = '<text>' AND COMMAND_ID = '<id>') R WHERE NULLIF(TRIM(R."MATERIAL_ID"), '') IS NOT
    NULL AND NOT EXISTS (SELECT 1 FROM RAW."PRODUCTION_ORDERS" O WHERE O."MATERIAL_ID" = R."MATERIAL_ID")) S2 CROSS JOIN (SELECT
    COUNT(*) AS M3_0 FROM (SELECT * FROM RAW_RUN."MATERIALS_RUN" WHERE LOAD_ID = '<text>' AND COMMAND_ID = '<id>') R WHERE
    NULLIF(TRIM(R."SUPPLIER_ID"), '') IS NOT NULL AND NOT EXISTS (SELECT 1 FROM (SELECT * FROM RAW_RUN."MATERIALS_RUN" WHERE
    LOAD_ID = '<text>' AND COMMAND_ID = '<id>') O WHERE UPPER(TRIM(O."SUPPLIER_ID")) = UPPER(TRIM(R."SUPPLIER_ID")))) S3;

-- What each of dbt's tests found last for these loads. Not plain SQL: QUALIFY.
-- https://docs.snowflake.com/en/sql-reference/constructs/qualify
SELECT LOAD_ID, CHECK_NAME, TABLE_NAME, SEVERITY, STATUS, OBSERVED, EXPECTED, FAILED_ROWS, CHECKED_AT, KIND, VALUE, ORIGIN FROM
    RAW.DATA_QUALITY_AUDIT WHERE ORIGIN = '<text>' AND LOAD_ID IN ('<text>', …) QUALIFY ROW_NUMBER() OVER (PARTITION BY LOAD_ID,
    TABLE_NAME, CHECK_NAME ORDER BY CHECKED_AT DESC) = 1 ORDER BY LOAD_ID, TABLE_NAME, CHECK_NAME;

-- The watcher: the newest line of every file ever seen; a decision tells nothing of a file. Not plain SQL: QUALIFY.
-- https://docs.snowflake.com/en/sql-reference/constructs/qualify
SELECT LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_NAME, SOURCE_FILE, FILE_ID, STATUS, ATTEMPT, ROWS_LOADED, ROWS_REJECTED, BYTES,
    MODIFIED_AT, AS_OF, STARTED_AT, FINISHED_AT, ERROR, TRACE_ID, RUN_FILES, TABLE_FILES, WORKER, DECIDED_BY, DECIDED_WHY FROM
    RAW.RAW_LOAD_AUDIT WHERE DECIDED_BY IS NULL QUALIFY ROW_NUMBER() OVER (PARTITION BY SOURCE_FILE ORDER BY FINISHED_AT DESC,
    CASE STATUS WHEN 'SUCCESS' THEN 5 WHEN 'DISCARDED' THEN 4 WHEN 'QUARANTINED' THEN 3 WHEN 'CANCELLED' THEN 2 WHEN 'FAILED' THEN
    1 ELSE 0 END DESC) = 1 ORDER BY SOURCE_FILE;

-- The loads of the last days, a line per file and command: how it ended, else its plan. Not plain SQL: QUALIFY.
-- https://docs.snowflake.com/en/sql-reference/constructs/qualify
-- https://docs.snowflake.com/en/sql-reference/functions/substr
SELECT LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_NAME, SOURCE_FILE, STATUS, ROWS_LOADED, ROWS_REJECTED, STARTED_AT, FINISHED_AT,
    SUBSTR(ERROR, 1, 301), TRACE_ID, RUN_FILES FROM RAW.RAW_LOAD_AUDIT WHERE FINISHED_AT >= CAST('<time>' AS TIMESTAMP) QUALIFY
    ROW_NUMBER() OVER (PARTITION BY LOAD_ID, COMMAND_ID, SOURCE_FILE ORDER BY CASE STATUS WHEN 'SUCCESS' THEN 5 WHEN 'DISCARDED'
    THEN 4 WHEN 'QUARANTINED' THEN 3 WHEN 'CANCELLED' THEN 2 WHEN 'FAILED' THEN 1 ELSE 0 END DESC, FINISHED_AT DESC) = 1 ORDER BY
    FINISHED_AT DESC LIMIT <n>;

-- Loads that were held back, what was decided, and which a newer command has overtaken that was not cancelled. Not plain SQL: QUALIFY.
-- https://docs.snowflake.com/en/sql-reference/constructs/qualify
-- https://docs.snowflake.com/en/sql-reference/functions/in
SELECT LOAD_ID, TABLE_NAME, SOURCE_FILE, CASE WHEN STATUS = 'QUARANTINED' AND COMMAND_ID < NEWEST THEN '<text>' ELSE STATUS END,
    ROWS_LOADED, WHY, DECIDED_BY, DECIDED_WHY, FINISHED_AT FROM (SELECT LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_FILE, STATUS,
    ROWS_LOADED, DECIDED_BY, DECIDED_WHY, FINISHED_AT, COALESCE(MAX(CASE WHEN STATUS = 'QUARANTINED' THEN SUBSTR(ERROR, 1, 301)
    END) OVER (PARTITION BY LOAD_ID, COMMAND_ID, SOURCE_FILE), SUBSTR(ERROR, 1, 301)) AS WHY FROM RAW.RAW_LOAD_AUDIT WHERE STATUS
    IN ('QUARANTINED', 'DISCARDED') OR DECIDED_BY IS NOT NULL QUALIFY ROW_NUMBER() OVER (PARTITION BY LOAD_ID, COMMAND_ID,
    SOURCE_FILE ORDER BY CASE STATUS WHEN 'QUARANTINED' THEN 0 ELSE 1 END DESC, FINISHED_AT DESC) = 1) H LEFT JOIN (SELECT LOAD_ID
    AS L, TABLE_NAME AS T, MAX(COMMAND_ID) AS NEWEST FROM RAW.RAW_LOAD_AUDIT WHERE STATUS IN ('SUCCESS', 'PLANNED', 'QUARANTINED')
    AND (LOAD_ID, TABLE_NAME, COMMAND_ID) NOT IN (SELECT LOAD_ID, TABLE_NAME, COMMAND_ID FROM RAW.RAW_LOAD_AUDIT WHERE STATUS =
    'CANCELLED') GROUP BY LOAD_ID, TABLE_NAME) N ON N.L = H.LOAD_ID AND N.T = H.TABLE_NAME WHERE STATUS = 'QUARANTINED' OR
    FINISHED_AT >= CAST('<time>' AS TIMESTAMP) ORDER BY FINISHED_AT DESC;

-- TRACE. From rows to what they were made of: a table expression for each table on the way, over those before it. The only values in
-- the text are those that somebody asked for; all other rows are joined.

-- The rows that somebody asks about, and how many they are: an empty OVER counts all of them before LIMIT takes some. ORDER BY has a
-- position. A value is compared as text, which is cast to what its column is.
-- https://docs.snowflake.com/en/sql-reference/constructs/with
-- https://docs.snowflake.com/en/sql-reference/functions-window-syntax
-- https://docs.snowflake.com/en/sql-reference/constructs/order-by
-- https://docs.snowflake.com/en/sql-reference/data-type-conversion
WITH MILLRACE_0 AS (SELECT P.* FROM CORE.CORE_PRODUCTION_ORDERS P WHERE P."PRODUCTION_ORDER_ID" = '<text>') SELECT P.*, COUNT(*)
    OVER () AS MILLRACE_ROWS FROM MILLRACE_0 P ORDER BY 1 LIMIT <n>;

-- The same, of rows that have no value there.
-- https://docs.snowflake.com/en/sql-reference/constructs/with
-- https://docs.snowflake.com/en/sql-reference/functions-window-syntax
-- https://docs.snowflake.com/en/sql-reference/constructs/order-by
WITH MILLRACE_0 AS (SELECT P.* FROM CORE.CORE_MATERIALS P WHERE P."MATERIAL_ID" IS NULL) SELECT P.*, COUNT(*) OVER () AS
    MILLRACE_ROWS FROM MILLRACE_0 P ORDER BY 1 LIMIT <n>;

-- What those rows were made of, by what the model declares: bare names are the parent's columns, and the row's own are renamed, so
-- that no name is in both.
-- https://docs.snowflake.com/en/sql-reference/constructs/with
-- https://docs.snowflake.com/en/sql-reference/constructs/join
-- https://docs.snowflake.com/en/sql-reference/functions-window-syntax
-- https://docs.snowflake.com/en/sql-reference/constructs/order-by
WITH MILLRACE_0 AS (SELECT P.* FROM CORE.CORE_PRODUCTION_ORDERS P WHERE P."PRODUCTION_ORDER_ID" = '<text>'), MILLRACE_1 AS (SELECT
    DISTINCT P.* FROM STAGING.STG_PRODUCTION_ORDERS P JOIN (SELECT DISTINCT "LOAD_ID" AS MILLRACE_OF_LOAD_ID, "LOADED_AT" AS
    MILLRACE_OF_LOADED_AT, "PRODUCTION_ORDER_ID" AS MILLRACE_OF_PRODUCTION_ORDER_ID, "SOURCE_FILE" AS MILLRACE_OF_SOURCE_FILE,
    "SOURCE_ROW" AS MILLRACE_OF_SOURCE_ROW FROM MILLRACE_0) C ON production_order_id = C.MILLRACE_OF_PRODUCTION_ORDER_ID AND
    load_id = C.MILLRACE_OF_LOAD_ID AND source_file = C.MILLRACE_OF_SOURCE_FILE AND source_row = C.MILLRACE_OF_SOURCE_ROW AND
    loaded_at = C.MILLRACE_OF_LOADED_AT) SELECT P.*, COUNT(*) OVER () AS MILLRACE_ROWS FROM MILLRACE_1 P ORDER BY 1 LIMIT <n>;

-- Behind those: by load and file how many rows, how many of them lie there yet, and which.
-- https://docs.snowflake.com/en/sql-reference/constructs/with
-- https://docs.snowflake.com/en/sql-reference/operators-query
-- https://docs.snowflake.com/en/sql-reference/constructs/join
-- https://docs.snowflake.com/en/sql-reference/constructs/group-by
WITH MILLRACE_0 AS (SELECT P.* FROM CORE.CORE_PRODUCTION_ORDERS P WHERE P."PRODUCTION_ORDER_ID" = '<text>'), MILLRACE_1 AS (SELECT
    DISTINCT P.* FROM STAGING.STG_PRODUCTION_ORDERS P JOIN (SELECT DISTINCT "LOAD_ID" AS MILLRACE_OF_LOAD_ID, "LOADED_AT" AS
    MILLRACE_OF_LOADED_AT, "PRODUCTION_ORDER_ID" AS MILLRACE_OF_PRODUCTION_ORDER_ID, "SOURCE_FILE" AS MILLRACE_OF_SOURCE_FILE,
    "SOURCE_ROW" AS MILLRACE_OF_SOURCE_ROW FROM MILLRACE_0) C ON production_order_id = C.MILLRACE_OF_PRODUCTION_ORDER_ID AND
    load_id = C.MILLRACE_OF_LOAD_ID AND source_file = C.MILLRACE_OF_SOURCE_FILE AND source_row = C.MILLRACE_OF_SOURCE_ROW AND
    loaded_at = C.MILLRACE_OF_LOADED_AT), MILLRACE_2 AS (SELECT DISTINCT P.* FROM RAW_RUN.PRODUCTION_ORDERS_RUN P JOIN (SELECT
    DISTINCT "LOAD_ID" AS MILLRACE_OF_LOAD_ID, "LOADED_AT" AS MILLRACE_OF_LOADED_AT, "SOURCE_FILE" AS MILLRACE_OF_SOURCE_FILE,
    "SOURCE_ROW" AS MILLRACE_OF_SOURCE_ROW FROM MILLRACE_0) C ON load_id = C.MILLRACE_OF_LOAD_ID AND source_file =
    C.MILLRACE_OF_SOURCE_FILE AND source_row = C.MILLRACE_OF_SOURCE_ROW AND loaded_at = C.MILLRACE_OF_LOADED_AT UNION SELECT
    DISTINCT P.* FROM RAW_RUN.PRODUCTION_ORDERS_RUN P JOIN (SELECT DISTINCT "LOAD_ID" AS MILLRACE_OF_LOAD_ID, "LOADED_AT" AS
    MILLRACE_OF_LOADED_AT, "SOURCE_FILE" AS MILLRACE_OF_SOURCE_FILE, "SOURCE_ROW" AS MILLRACE_OF_SOURCE_ROW FROM MILLRACE_1) C ON
    load_id = C.MILLRACE_OF_LOAD_ID AND source_file = C.MILLRACE_OF_SOURCE_FILE AND source_row = C.MILLRACE_OF_SOURCE_ROW AND
    loaded_at = C.MILLRACE_OF_LOADED_AT) SELECT O.LOAD_ID, O.SOURCE_FILE, COUNT(*) AS ROW_COUNT, COUNT(R.SOURCE_ROW) AS
    ROWS_FOUND, MIN(O.SOURCE_ROW) AS FIRST_ROW, MAX(O.SOURCE_ROW) AS LAST_ROW, MIN(R.LOADED_AT) AS LOADED_AT FROM (SELECT LOAD_ID,
    SOURCE_FILE, SOURCE_ROW FROM MILLRACE_2 UNION SELECT LOAD_ID, SOURCE_FILE, SOURCE_ROW FROM MILLRACE_0 UNION SELECT LOAD_ID,
    SOURCE_FILE, SOURCE_ROW FROM MILLRACE_1) O LEFT JOIN (SELECT DISTINCT LOAD_ID, SOURCE_FILE, SOURCE_ROW, LOADED_AT FROM
    MILLRACE_2) R ON R.LOAD_ID = O.LOAD_ID AND R.SOURCE_FILE = O.SOURCE_FILE AND R.SOURCE_ROW = O.SOURCE_ROW GROUP BY O.LOAD_ID,
    O.SOURCE_FILE ORDER BY O.LOAD_ID, O.SOURCE_FILE;

-- Rows of files, by load, file and line, whatever the models on the way show by now. UNION takes each once.
-- https://docs.snowflake.com/en/sql-reference/constructs/with
-- https://docs.snowflake.com/en/sql-reference/operators-query
-- https://docs.snowflake.com/en/sql-reference/constructs/join
-- https://docs.snowflake.com/en/sql-reference/functions-window-syntax
-- https://docs.snowflake.com/en/sql-reference/constructs/order-by
WITH MILLRACE_0 AS (SELECT P.* FROM CORE.CORE_PRODUCTION_ORDERS P WHERE P."PRODUCTION_ORDER_ID" = '<text>'), MILLRACE_1 AS (SELECT
    DISTINCT P.* FROM STAGING.STG_PRODUCTION_ORDERS P JOIN (SELECT DISTINCT "LOAD_ID" AS MILLRACE_OF_LOAD_ID, "LOADED_AT" AS
    MILLRACE_OF_LOADED_AT, "PRODUCTION_ORDER_ID" AS MILLRACE_OF_PRODUCTION_ORDER_ID, "SOURCE_FILE" AS MILLRACE_OF_SOURCE_FILE,
    "SOURCE_ROW" AS MILLRACE_OF_SOURCE_ROW FROM MILLRACE_0) C ON production_order_id = C.MILLRACE_OF_PRODUCTION_ORDER_ID AND
    load_id = C.MILLRACE_OF_LOAD_ID AND source_file = C.MILLRACE_OF_SOURCE_FILE AND source_row = C.MILLRACE_OF_SOURCE_ROW AND
    loaded_at = C.MILLRACE_OF_LOADED_AT), MILLRACE_2 AS (SELECT DISTINCT P.* FROM RAW_RUN.PRODUCTION_ORDERS_RUN P JOIN (SELECT
    DISTINCT "LOAD_ID" AS MILLRACE_OF_LOAD_ID, "LOADED_AT" AS MILLRACE_OF_LOADED_AT, "SOURCE_FILE" AS MILLRACE_OF_SOURCE_FILE,
    "SOURCE_ROW" AS MILLRACE_OF_SOURCE_ROW FROM MILLRACE_0) C ON load_id = C.MILLRACE_OF_LOAD_ID AND source_file =
    C.MILLRACE_OF_SOURCE_FILE AND source_row = C.MILLRACE_OF_SOURCE_ROW AND loaded_at = C.MILLRACE_OF_LOADED_AT UNION SELECT
    DISTINCT P.* FROM RAW_RUN.PRODUCTION_ORDERS_RUN P JOIN (SELECT DISTINCT "LOAD_ID" AS MILLRACE_OF_LOAD_ID, "LOADED_AT" AS
    MILLRACE_OF_LOADED_AT, "SOURCE_FILE" AS MILLRACE_OF_SOURCE_FILE, "SOURCE_ROW" AS MILLRACE_OF_SOURCE_ROW FROM MILLRACE_1) C ON
    load_id = C.MILLRACE_OF_LOAD_ID AND source_file = C.MILLRACE_OF_SOURCE_FILE AND source_row = C.MILLRACE_OF_SOURCE_ROW AND
    loaded_at = C.MILLRACE_OF_LOADED_AT) SELECT P.*, COUNT(*) OVER () AS MILLRACE_ROWS FROM MILLRACE_2 P ORDER BY SOURCE_FILE,
    SOURCE_ROW LIMIT <n>;

-- What those rows were made of, by what the model declares: bare names are the parent's columns, and the row's own are renamed, so
-- that no name is in both.
-- https://docs.snowflake.com/en/sql-reference/constructs/with
-- https://docs.snowflake.com/en/sql-reference/constructs/join
-- https://docs.snowflake.com/en/sql-reference/functions-window-syntax
-- https://docs.snowflake.com/en/sql-reference/constructs/order-by
WITH MILLRACE_0 AS (SELECT P.* FROM CORE.CORE_PRODUCTION_ORDERS P WHERE P."PRODUCTION_ORDER_ID" = '<text>'), MILLRACE_1 AS (SELECT
    DISTINCT P.* FROM STAGING.STG_PRODUCTION_ORDERS P JOIN (SELECT DISTINCT "LOAD_ID" AS MILLRACE_OF_LOAD_ID, "LOADED_AT" AS
    MILLRACE_OF_LOADED_AT, "PRODUCTION_ORDER_ID" AS MILLRACE_OF_PRODUCTION_ORDER_ID, "SOURCE_FILE" AS MILLRACE_OF_SOURCE_FILE,
    "SOURCE_ROW" AS MILLRACE_OF_SOURCE_ROW FROM MILLRACE_0) C ON production_order_id = C.MILLRACE_OF_PRODUCTION_ORDER_ID AND
    load_id = C.MILLRACE_OF_LOAD_ID AND source_file = C.MILLRACE_OF_SOURCE_FILE AND source_row = C.MILLRACE_OF_SOURCE_ROW AND
    loaded_at = C.MILLRACE_OF_LOADED_AT), MILLRACE_2 AS (SELECT DISTINCT P.* FROM RAW_RUN.PRODUCTION_ORDERS_RUN P JOIN (SELECT
    DISTINCT "LOAD_ID" AS MILLRACE_OF_LOAD_ID, "LOADED_AT" AS MILLRACE_OF_LOADED_AT, "SOURCE_FILE" AS MILLRACE_OF_SOURCE_FILE,
    "SOURCE_ROW" AS MILLRACE_OF_SOURCE_ROW FROM MILLRACE_0) C ON load_id = C.MILLRACE_OF_LOAD_ID AND source_file =
    C.MILLRACE_OF_SOURCE_FILE AND source_row = C.MILLRACE_OF_SOURCE_ROW AND loaded_at = C.MILLRACE_OF_LOADED_AT UNION SELECT
    DISTINCT P.* FROM RAW_RUN.PRODUCTION_ORDERS_RUN P JOIN (SELECT DISTINCT "LOAD_ID" AS MILLRACE_OF_LOAD_ID, "LOADED_AT" AS
    MILLRACE_OF_LOADED_AT, "SOURCE_FILE" AS MILLRACE_OF_SOURCE_FILE, "SOURCE_ROW" AS MILLRACE_OF_SOURCE_ROW FROM MILLRACE_1) C ON
    load_id = C.MILLRACE_OF_LOAD_ID AND source_file = C.MILLRACE_OF_SOURCE_FILE AND source_row = C.MILLRACE_OF_SOURCE_ROW AND
    loaded_at = C.MILLRACE_OF_LOADED_AT), MILLRACE_3 AS (SELECT DISTINCT P.* FROM CORE.CORE_MATERIALS P JOIN (SELECT DISTINCT
    "MATERIAL_ID" AS MILLRACE_OF_MATERIAL_ID, "MATERIAL_LOAD_ID" AS MILLRACE_OF_MATERIAL_LOAD_ID FROM MILLRACE_0) C ON material_id
    = C.MILLRACE_OF_MATERIAL_ID and load_id = C.MILLRACE_OF_MATERIAL_LOAD_ID) SELECT P.*, COUNT(*) OVER () AS MILLRACE_ROWS FROM
    MILLRACE_3 P ORDER BY 1 LIMIT <n>;

-- What those rows were made of, by what the model declares: bare names are the parent's columns, and the row's own are renamed, so
-- that no name is in both.
-- https://docs.snowflake.com/en/sql-reference/constructs/with
-- https://docs.snowflake.com/en/sql-reference/constructs/join
-- https://docs.snowflake.com/en/sql-reference/functions-window-syntax
-- https://docs.snowflake.com/en/sql-reference/constructs/order-by
WITH MILLRACE_0 AS (SELECT P.* FROM CORE.CORE_PRODUCTION_ORDERS P WHERE P."PRODUCTION_ORDER_ID" = '<text>'), MILLRACE_1 AS (SELECT
    DISTINCT P.* FROM STAGING.STG_PRODUCTION_ORDERS P JOIN (SELECT DISTINCT "LOAD_ID" AS MILLRACE_OF_LOAD_ID, "LOADED_AT" AS
    MILLRACE_OF_LOADED_AT, "PRODUCTION_ORDER_ID" AS MILLRACE_OF_PRODUCTION_ORDER_ID, "SOURCE_FILE" AS MILLRACE_OF_SOURCE_FILE,
    "SOURCE_ROW" AS MILLRACE_OF_SOURCE_ROW FROM MILLRACE_0) C ON production_order_id = C.MILLRACE_OF_PRODUCTION_ORDER_ID AND
    load_id = C.MILLRACE_OF_LOAD_ID AND source_file = C.MILLRACE_OF_SOURCE_FILE AND source_row = C.MILLRACE_OF_SOURCE_ROW AND
    loaded_at = C.MILLRACE_OF_LOADED_AT), MILLRACE_2 AS (SELECT DISTINCT P.* FROM RAW_RUN.PRODUCTION_ORDERS_RUN P JOIN (SELECT
    DISTINCT "LOAD_ID" AS MILLRACE_OF_LOAD_ID, "LOADED_AT" AS MILLRACE_OF_LOADED_AT, "SOURCE_FILE" AS MILLRACE_OF_SOURCE_FILE,
    "SOURCE_ROW" AS MILLRACE_OF_SOURCE_ROW FROM MILLRACE_0) C ON load_id = C.MILLRACE_OF_LOAD_ID AND source_file =
    C.MILLRACE_OF_SOURCE_FILE AND source_row = C.MILLRACE_OF_SOURCE_ROW AND loaded_at = C.MILLRACE_OF_LOADED_AT UNION SELECT
    DISTINCT P.* FROM RAW_RUN.PRODUCTION_ORDERS_RUN P JOIN (SELECT DISTINCT "LOAD_ID" AS MILLRACE_OF_LOAD_ID, "LOADED_AT" AS
    MILLRACE_OF_LOADED_AT, "SOURCE_FILE" AS MILLRACE_OF_SOURCE_FILE, "SOURCE_ROW" AS MILLRACE_OF_SOURCE_ROW FROM MILLRACE_1) C ON
    load_id = C.MILLRACE_OF_LOAD_ID AND source_file = C.MILLRACE_OF_SOURCE_FILE AND source_row = C.MILLRACE_OF_SOURCE_ROW AND
    loaded_at = C.MILLRACE_OF_LOADED_AT), MILLRACE_3 AS (SELECT DISTINCT P.* FROM CORE.CORE_MATERIALS P JOIN (SELECT DISTINCT
    "MATERIAL_ID" AS MILLRACE_OF_MATERIAL_ID, "MATERIAL_LOAD_ID" AS MILLRACE_OF_MATERIAL_LOAD_ID FROM MILLRACE_0) C ON material_id
    = C.MILLRACE_OF_MATERIAL_ID and load_id = C.MILLRACE_OF_MATERIAL_LOAD_ID), MILLRACE_4 AS (SELECT DISTINCT P.* FROM
    STAGING.STG_MATERIALS P JOIN (SELECT DISTINCT "LOAD_ID" AS MILLRACE_OF_LOAD_ID, "LOADED_AT" AS MILLRACE_OF_LOADED_AT,
    "MATERIAL_ID" AS MILLRACE_OF_MATERIAL_ID, "SOURCE_FILE" AS MILLRACE_OF_SOURCE_FILE, "SOURCE_ROW" AS MILLRACE_OF_SOURCE_ROW
    FROM MILLRACE_3) C ON material_id = C.MILLRACE_OF_MATERIAL_ID AND load_id = C.MILLRACE_OF_LOAD_ID AND source_file =
    C.MILLRACE_OF_SOURCE_FILE AND source_row = C.MILLRACE_OF_SOURCE_ROW AND loaded_at = C.MILLRACE_OF_LOADED_AT) SELECT P.*,
    COUNT(*) OVER () AS MILLRACE_ROWS FROM MILLRACE_4 P ORDER BY 1 LIMIT <n>;

-- Behind those: by load and file how many rows, how many of them lie there yet, and which.
-- https://docs.snowflake.com/en/sql-reference/constructs/with
-- https://docs.snowflake.com/en/sql-reference/operators-query
-- https://docs.snowflake.com/en/sql-reference/constructs/join
-- https://docs.snowflake.com/en/sql-reference/constructs/group-by
WITH MILLRACE_0 AS (SELECT P.* FROM CORE.CORE_PRODUCTION_ORDERS P WHERE P."PRODUCTION_ORDER_ID" = '<text>'), MILLRACE_1 AS (SELECT
    DISTINCT P.* FROM STAGING.STG_PRODUCTION_ORDERS P JOIN (SELECT DISTINCT "LOAD_ID" AS MILLRACE_OF_LOAD_ID, "LOADED_AT" AS
    MILLRACE_OF_LOADED_AT, "PRODUCTION_ORDER_ID" AS MILLRACE_OF_PRODUCTION_ORDER_ID, "SOURCE_FILE" AS MILLRACE_OF_SOURCE_FILE,
    "SOURCE_ROW" AS MILLRACE_OF_SOURCE_ROW FROM MILLRACE_0) C ON production_order_id = C.MILLRACE_OF_PRODUCTION_ORDER_ID AND
    load_id = C.MILLRACE_OF_LOAD_ID AND source_file = C.MILLRACE_OF_SOURCE_FILE AND source_row = C.MILLRACE_OF_SOURCE_ROW AND
    loaded_at = C.MILLRACE_OF_LOADED_AT), MILLRACE_2 AS (SELECT DISTINCT P.* FROM RAW_RUN.PRODUCTION_ORDERS_RUN P JOIN (SELECT
    DISTINCT "LOAD_ID" AS MILLRACE_OF_LOAD_ID, "LOADED_AT" AS MILLRACE_OF_LOADED_AT, "SOURCE_FILE" AS MILLRACE_OF_SOURCE_FILE,
    "SOURCE_ROW" AS MILLRACE_OF_SOURCE_ROW FROM MILLRACE_0) C ON load_id = C.MILLRACE_OF_LOAD_ID AND source_file =
    C.MILLRACE_OF_SOURCE_FILE AND source_row = C.MILLRACE_OF_SOURCE_ROW AND loaded_at = C.MILLRACE_OF_LOADED_AT UNION SELECT
    DISTINCT P.* FROM RAW_RUN.PRODUCTION_ORDERS_RUN P JOIN (SELECT DISTINCT "LOAD_ID" AS MILLRACE_OF_LOAD_ID, "LOADED_AT" AS
    MILLRACE_OF_LOADED_AT, "SOURCE_FILE" AS MILLRACE_OF_SOURCE_FILE, "SOURCE_ROW" AS MILLRACE_OF_SOURCE_ROW FROM MILLRACE_1) C ON
    load_id = C.MILLRACE_OF_LOAD_ID AND source_file = C.MILLRACE_OF_SOURCE_FILE AND source_row = C.MILLRACE_OF_SOURCE_ROW AND
    loaded_at = C.MILLRACE_OF_LOADED_AT), MILLRACE_3 AS (SELECT DISTINCT P.* FROM CORE.CORE_MATERIALS P JOIN (SELECT DISTINCT
    "MATERIAL_ID" AS MILLRACE_OF_MATERIAL_ID, "MATERIAL_LOAD_ID" AS MILLRACE_OF_MATERIAL_LOAD_ID FROM MILLRACE_0) C ON material_id
    = C.MILLRACE_OF_MATERIAL_ID and load_id = C.MILLRACE_OF_MATERIAL_LOAD_ID), MILLRACE_4 AS (SELECT DISTINCT P.* FROM
    STAGING.STG_MATERIALS P JOIN (SELECT DISTINCT "LOAD_ID" AS MILLRACE_OF_LOAD_ID, "LOADED_AT" AS MILLRACE_OF_LOADED_AT,
    "MATERIAL_ID" AS MILLRACE_OF_MATERIAL_ID, "SOURCE_FILE" AS MILLRACE_OF_SOURCE_FILE, "SOURCE_ROW" AS MILLRACE_OF_SOURCE_ROW
    FROM MILLRACE_3) C ON material_id = C.MILLRACE_OF_MATERIAL_ID AND load_id = C.MILLRACE_OF_LOAD_ID AND source_file =
    C.MILLRACE_OF_SOURCE_FILE AND source_row = C.MILLRACE_OF_SOURCE_ROW AND loaded_at = C.MILLRACE_OF_LOADED_AT), MILLRACE_5 AS
    (SELECT DISTINCT P.* FROM RAW_RUN.MATERIALS_RUN P JOIN (SELECT DISTINCT "LOAD_ID" AS MILLRACE_OF_LOAD_ID, "LOADED_AT" AS
    MILLRACE_OF_LOADED_AT, "SOURCE_FILE" AS MILLRACE_OF_SOURCE_FILE, "SOURCE_ROW" AS MILLRACE_OF_SOURCE_ROW FROM MILLRACE_3) C ON
    load_id = C.MILLRACE_OF_LOAD_ID AND source_file = C.MILLRACE_OF_SOURCE_FILE AND source_row = C.MILLRACE_OF_SOURCE_ROW AND
    loaded_at = C.MILLRACE_OF_LOADED_AT UNION SELECT DISTINCT P.* FROM RAW_RUN.MATERIALS_RUN P JOIN (SELECT DISTINCT "LOAD_ID" AS
    MILLRACE_OF_LOAD_ID, "LOADED_AT" AS MILLRACE_OF_LOADED_AT, "SOURCE_FILE" AS MILLRACE_OF_SOURCE_FILE, "SOURCE_ROW" AS
    MILLRACE_OF_SOURCE_ROW FROM MILLRACE_4) C ON load_id = C.MILLRACE_OF_LOAD_ID AND source_file = C.MILLRACE_OF_SOURCE_FILE AND
    source_row = C.MILLRACE_OF_SOURCE_ROW AND loaded_at = C.MILLRACE_OF_LOADED_AT) SELECT O.LOAD_ID, O.SOURCE_FILE, COUNT(*) AS
    ROW_COUNT, COUNT(R.SOURCE_ROW) AS ROWS_FOUND, MIN(O.SOURCE_ROW) AS FIRST_ROW, MAX(O.SOURCE_ROW) AS LAST_ROW, MIN(R.LOADED_AT)
    AS LOADED_AT FROM (SELECT LOAD_ID, SOURCE_FILE, SOURCE_ROW FROM MILLRACE_5 UNION SELECT LOAD_ID, SOURCE_FILE, SOURCE_ROW FROM
    MILLRACE_3 UNION SELECT LOAD_ID, SOURCE_FILE, SOURCE_ROW FROM MILLRACE_4) O LEFT JOIN (SELECT DISTINCT LOAD_ID, SOURCE_FILE,
    SOURCE_ROW, LOADED_AT FROM MILLRACE_5) R ON R.LOAD_ID = O.LOAD_ID AND R.SOURCE_FILE = O.SOURCE_FILE AND R.SOURCE_ROW =
    O.SOURCE_ROW GROUP BY O.LOAD_ID, O.SOURCE_FILE ORDER BY O.LOAD_ID, O.SOURCE_FILE;

-- Rows of files, by load, file and line, whatever the models on the way show by now. UNION takes each once.
-- https://docs.snowflake.com/en/sql-reference/constructs/with
-- https://docs.snowflake.com/en/sql-reference/operators-query
-- https://docs.snowflake.com/en/sql-reference/constructs/join
-- https://docs.snowflake.com/en/sql-reference/functions-window-syntax
-- https://docs.snowflake.com/en/sql-reference/constructs/order-by
WITH MILLRACE_0 AS (SELECT P.* FROM CORE.CORE_PRODUCTION_ORDERS P WHERE P."PRODUCTION_ORDER_ID" = '<text>'), MILLRACE_1 AS (SELECT
    DISTINCT P.* FROM STAGING.STG_PRODUCTION_ORDERS P JOIN (SELECT DISTINCT "LOAD_ID" AS MILLRACE_OF_LOAD_ID, "LOADED_AT" AS
    MILLRACE_OF_LOADED_AT, "PRODUCTION_ORDER_ID" AS MILLRACE_OF_PRODUCTION_ORDER_ID, "SOURCE_FILE" AS MILLRACE_OF_SOURCE_FILE,
    "SOURCE_ROW" AS MILLRACE_OF_SOURCE_ROW FROM MILLRACE_0) C ON production_order_id = C.MILLRACE_OF_PRODUCTION_ORDER_ID AND
    load_id = C.MILLRACE_OF_LOAD_ID AND source_file = C.MILLRACE_OF_SOURCE_FILE AND source_row = C.MILLRACE_OF_SOURCE_ROW AND
    loaded_at = C.MILLRACE_OF_LOADED_AT), MILLRACE_2 AS (SELECT DISTINCT P.* FROM RAW_RUN.PRODUCTION_ORDERS_RUN P JOIN (SELECT
    DISTINCT "LOAD_ID" AS MILLRACE_OF_LOAD_ID, "LOADED_AT" AS MILLRACE_OF_LOADED_AT, "SOURCE_FILE" AS MILLRACE_OF_SOURCE_FILE,
    "SOURCE_ROW" AS MILLRACE_OF_SOURCE_ROW FROM MILLRACE_0) C ON load_id = C.MILLRACE_OF_LOAD_ID AND source_file =
    C.MILLRACE_OF_SOURCE_FILE AND source_row = C.MILLRACE_OF_SOURCE_ROW AND loaded_at = C.MILLRACE_OF_LOADED_AT UNION SELECT
    DISTINCT P.* FROM RAW_RUN.PRODUCTION_ORDERS_RUN P JOIN (SELECT DISTINCT "LOAD_ID" AS MILLRACE_OF_LOAD_ID, "LOADED_AT" AS
    MILLRACE_OF_LOADED_AT, "SOURCE_FILE" AS MILLRACE_OF_SOURCE_FILE, "SOURCE_ROW" AS MILLRACE_OF_SOURCE_ROW FROM MILLRACE_1) C ON
    load_id = C.MILLRACE_OF_LOAD_ID AND source_file = C.MILLRACE_OF_SOURCE_FILE AND source_row = C.MILLRACE_OF_SOURCE_ROW AND
    loaded_at = C.MILLRACE_OF_LOADED_AT), MILLRACE_3 AS (SELECT DISTINCT P.* FROM CORE.CORE_MATERIALS P JOIN (SELECT DISTINCT
    "MATERIAL_ID" AS MILLRACE_OF_MATERIAL_ID, "MATERIAL_LOAD_ID" AS MILLRACE_OF_MATERIAL_LOAD_ID FROM MILLRACE_0) C ON material_id
    = C.MILLRACE_OF_MATERIAL_ID and load_id = C.MILLRACE_OF_MATERIAL_LOAD_ID), MILLRACE_4 AS (SELECT DISTINCT P.* FROM
    STAGING.STG_MATERIALS P JOIN (SELECT DISTINCT "LOAD_ID" AS MILLRACE_OF_LOAD_ID, "LOADED_AT" AS MILLRACE_OF_LOADED_AT,
    "MATERIAL_ID" AS MILLRACE_OF_MATERIAL_ID, "SOURCE_FILE" AS MILLRACE_OF_SOURCE_FILE, "SOURCE_ROW" AS MILLRACE_OF_SOURCE_ROW
    FROM MILLRACE_3) C ON material_id = C.MILLRACE_OF_MATERIAL_ID AND load_id = C.MILLRACE_OF_LOAD_ID AND source_file =
    C.MILLRACE_OF_SOURCE_FILE AND source_row = C.MILLRACE_OF_SOURCE_ROW AND loaded_at = C.MILLRACE_OF_LOADED_AT), MILLRACE_5 AS
    (SELECT DISTINCT P.* FROM RAW_RUN.MATERIALS_RUN P JOIN (SELECT DISTINCT "LOAD_ID" AS MILLRACE_OF_LOAD_ID, "LOADED_AT" AS
    MILLRACE_OF_LOADED_AT, "SOURCE_FILE" AS MILLRACE_OF_SOURCE_FILE, "SOURCE_ROW" AS MILLRACE_OF_SOURCE_ROW FROM MILLRACE_3) C ON
    load_id = C.MILLRACE_OF_LOAD_ID AND source_file = C.MILLRACE_OF_SOURCE_FILE AND source_row = C.MILLRACE_OF_SOURCE_ROW AND
    loaded_at = C.MILLRACE_OF_LOADED_AT UNION SELECT DISTINCT P.* FROM RAW_RUN.MATERIALS_RUN P JOIN (SELECT DISTINCT "LOAD_ID" AS
    MILLRACE_OF_LOAD_ID, "LOADED_AT" AS MILLRACE_OF_LOADED_AT, "SOURCE_FILE" AS MILLRACE_OF_SOURCE_FILE, "SOURCE_ROW" AS
    MILLRACE_OF_SOURCE_ROW FROM MILLRACE_4) C ON load_id = C.MILLRACE_OF_LOAD_ID AND source_file = C.MILLRACE_OF_SOURCE_FILE AND
    source_row = C.MILLRACE_OF_SOURCE_ROW AND loaded_at = C.MILLRACE_OF_LOADED_AT) SELECT P.*, COUNT(*) OVER () AS MILLRACE_ROWS
    FROM MILLRACE_5 P ORDER BY SOURCE_FILE, SOURCE_ROW LIMIT <n>;

-- Of rows of a source itself: by load and file how many, and which.
-- https://docs.snowflake.com/en/sql-reference/constructs/with
-- https://docs.snowflake.com/en/sql-reference/constructs/join
-- https://docs.snowflake.com/en/sql-reference/constructs/group-by
WITH MILLRACE_0 AS (SELECT P.* FROM RAW.MATERIALS P) SELECT O.LOAD_ID, O.SOURCE_FILE, COUNT(*) AS ROW_COUNT, COUNT(R.SOURCE_ROW)
    AS ROWS_FOUND, MIN(O.SOURCE_ROW) AS FIRST_ROW, MAX(O.SOURCE_ROW) AS LAST_ROW, MIN(R.LOADED_AT) AS LOADED_AT FROM (SELECT
    LOAD_ID, SOURCE_FILE, SOURCE_ROW FROM MILLRACE_0) O LEFT JOIN (SELECT DISTINCT LOAD_ID, SOURCE_FILE, SOURCE_ROW, LOADED_AT
    FROM MILLRACE_0) R ON R.LOAD_ID = O.LOAD_ID AND R.SOURCE_FILE = O.SOURCE_FILE AND R.SOURCE_ROW = O.SOURCE_ROW GROUP BY
    O.LOAD_ID, O.SOURCE_FILE ORDER BY O.LOAD_ID, O.SOURCE_FILE;

-- Rows of a source itself, in the order of their files.
-- https://docs.snowflake.com/en/sql-reference/constructs/with
-- https://docs.snowflake.com/en/sql-reference/functions-window-syntax
-- https://docs.snowflake.com/en/sql-reference/constructs/order-by
WITH MILLRACE_0 AS (SELECT P.* FROM RAW.MATERIALS P) SELECT P.*, COUNT(*) OVER () AS MILLRACE_ROWS FROM MILLRACE_0 P ORDER BY
    SOURCE_FILE, SOURCE_ROW LIMIT <n>;
