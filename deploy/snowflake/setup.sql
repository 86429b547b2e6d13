-- What millrace needs in a Snowflake account. Made by `millrace setup snowflake --print`.
-- Run it as a user with the role ACCOUNTADMIN, or with all roles that it names. It may be run again: it makes
-- what is missing, and leaves the rest as it is. Statements that are comments are suggestions.

-- The workers' and dbt's role: loads, models, audits, in one database.
-- https://docs.snowflake.com/en/sql-reference/sql/create-role
USE ROLE USERADMIN;
CREATE ROLE IF NOT EXISTS MILLRACE_LOADER;

-- The role of people and reports: reads what is current.
-- https://docs.snowflake.com/en/sql-reference/sql/create-role
CREATE ROLE IF NOT EXISTS MILLRACE_READER;

-- Administrators can look after what the role owns, and what follows here can be run as it.
-- https://docs.snowflake.com/en/user-guide/security-access-control-considerations
USE ROLE SECURITYADMIN;
GRANT ROLE MILLRACE_LOADER TO ROLE SYSADMIN;
GRANT ROLE MILLRACE_READER TO ROLE SYSADMIN;

-- What loads and models compute on. It is billed while it runs, so it starts with the first statement and ends a
-- minute after the last; a statement that hangs is ended after an hour, like a build of dbt (transform.timeout_secs).
-- https://docs.snowflake.com/en/sql-reference/sql/create-warehouse
USE ROLE SYSADMIN;
CREATE WAREHOUSE IF NOT EXISTS MILLRACE_WH WAREHOUSE_SIZE = XSMALL AUTO_SUSPEND = 60 AUTO_RESUME = TRUE INITIALLY_SUSPENDED = TRUE STATEMENT_TIMEOUT_IN_SECONDS = 3600;

-- What holds the schemas. Rows that were deleted can be had back for a day.
-- https://docs.snowflake.com/en/sql-reference/sql/create-database
CREATE DATABASE IF NOT EXISTS MILLRACE DATA_RETENTION_TIME_IN_DAYS = 1;

-- Made here, so that the loader needs no right to make schemas: dbt makes only those that it does not see.
-- https://docs.snowflake.com/en/sql-reference/sql/create-schema
CREATE SCHEMA IF NOT EXISTS MILLRACE.RAW_RUN COMMENT = 'rows of every load, the stage and the locks';
CREATE SCHEMA IF NOT EXISTS MILLRACE.RAW COMMENT = 'audits, and views of the current rows';
CREATE SCHEMA IF NOT EXISTS MILLRACE.STAGING COMMENT = 'dbt: cleaned rows';
CREATE SCHEMA IF NOT EXISTS MILLRACE.CORE COMMENT = 'dbt: entities and facts';
CREATE SCHEMA IF NOT EXISTS MILLRACE.MARTS COMMENT = 'dbt: what people and reports read';

-- USAGE runs statements on it and wakes it; it can't be resized or dropped with that.
-- https://docs.snowflake.com/en/user-guide/security-access-control-privileges
USE ROLE SECURITYADMIN;
GRANT USAGE ON WAREHOUSE MILLRACE_WH TO ROLE MILLRACE_LOADER;

-- USAGE lets its schemas be seen; it makes none.
-- https://docs.snowflake.com/en/user-guide/security-access-control-privileges
GRANT USAGE ON DATABASE MILLRACE TO ROLE MILLRACE_LOADER;

-- A table for each contract; the locks and the stage once.
-- https://docs.snowflake.com/en/sql-reference/sql/grant-privilege
GRANT USAGE, CREATE TABLE, CREATE STAGE ON SCHEMA MILLRACE.RAW_RUN TO ROLE MILLRACE_LOADER;

-- The audits, and a view for each contract.
-- https://docs.snowflake.com/en/sql-reference/sql/grant-privilege
GRANT USAGE, CREATE TABLE, CREATE VIEW ON SCHEMA MILLRACE.RAW TO ROLE MILLRACE_LOADER;

-- dbt makes its models here, and replaces them.
-- https://docs.snowflake.com/en/sql-reference/sql/grant-privilege
GRANT USAGE, CREATE TABLE, CREATE VIEW ON SCHEMA MILLRACE.STAGING TO ROLE MILLRACE_LOADER;
GRANT USAGE, CREATE TABLE, CREATE VIEW ON SCHEMA MILLRACE.CORE TO ROLE MILLRACE_LOADER;
GRANT USAGE, CREATE TABLE, CREATE VIEW ON SCHEMA MILLRACE.MARTS TO ROLE MILLRACE_LOADER;

-- Readers find the database.
-- https://docs.snowflake.com/en/sql-reference/sql/grant-privilege
GRANT USAGE ON DATABASE MILLRACE TO ROLE MILLRACE_READER;

-- Readers find the schemas.
-- https://docs.snowflake.com/en/sql-reference/sql/grant-privilege
GRANT USAGE ON SCHEMA MILLRACE.RAW TO ROLE MILLRACE_READER;
GRANT USAGE ON SCHEMA MILLRACE.CORE TO ROLE MILLRACE_READER;
GRANT USAGE ON SCHEMA MILLRACE.MARTS TO ROLE MILLRACE_READER;

-- What is made later. dbt replaces its tables at every build, and a replaced one is a new one.
-- https://docs.snowflake.com/en/sql-reference/sql/grant-privilege
GRANT SELECT ON FUTURE TABLES IN SCHEMA MILLRACE.RAW TO ROLE MILLRACE_READER;
GRANT SELECT ON FUTURE VIEWS IN SCHEMA MILLRACE.RAW TO ROLE MILLRACE_READER;
GRANT SELECT ON FUTURE TABLES IN SCHEMA MILLRACE.CORE TO ROLE MILLRACE_READER;
GRANT SELECT ON FUTURE VIEWS IN SCHEMA MILLRACE.CORE TO ROLE MILLRACE_READER;
GRANT SELECT ON FUTURE TABLES IN SCHEMA MILLRACE.MARTS TO ROLE MILLRACE_READER;
GRANT SELECT ON FUTURE VIEWS IN SCHEMA MILLRACE.MARTS TO ROLE MILLRACE_READER;

-- What is there already.
-- https://docs.snowflake.com/en/sql-reference/sql/grant-privilege
GRANT SELECT ON ALL TABLES IN SCHEMA MILLRACE.RAW TO ROLE MILLRACE_READER;
GRANT SELECT ON ALL VIEWS IN SCHEMA MILLRACE.RAW TO ROLE MILLRACE_READER;
GRANT SELECT ON ALL TABLES IN SCHEMA MILLRACE.CORE TO ROLE MILLRACE_READER;
GRANT SELECT ON ALL VIEWS IN SCHEMA MILLRACE.CORE TO ROLE MILLRACE_READER;
GRANT SELECT ON ALL TABLES IN SCHEMA MILLRACE.MARTS TO ROLE MILLRACE_READER;
GRANT SELECT ON ALL VIEWS IN SCHEMA MILLRACE.MARTS TO ROLE MILLRACE_READER;

-- Better: give readers a warehouse of their own, so that nobody waits for a report and its cost is told apart.
-- https://docs.snowflake.com/en/sql-reference/sql/grant-privilege
-- USE ROLE SECURITYADMIN; GRANT USAGE ON WAREHOUSE MILLRACE_WH TO ROLE MILLRACE_READER;

-- The names that follow are without it.
-- https://docs.snowflake.com/en/sql-reference/sql/use-database
USE ROLE MILLRACE_LOADER;
USE DATABASE MILLRACE;

-- Filling the locks computes.
-- https://docs.snowflake.com/en/sql-reference/sql/use-warehouse
USE WAREHOUSE MILLRACE_WH;

-- TIMESTAMP means one without a time zone, whatever the account's default is: all moments are in UTC.
-- https://docs.snowflake.com/en/sql-reference/sql/alter-session
ALTER SESSION SET TIMESTAMP_TYPE_MAPPING = 'TIMESTAMP_NTZ';

-- The audit: lines are appended and never changed.
-- https://docs.snowflake.com/en/sql-reference/sql/create-table
CREATE TABLE IF NOT EXISTS RAW.RAW_LOAD_AUDIT (LOAD_ID VARCHAR, COMMAND_ID VARCHAR, TABLE_NAME VARCHAR, SOURCE_NAME VARCHAR, SOURCE_FILE VARCHAR, FILE_ID VARCHAR, STATUS VARCHAR, ATTEMPT BIGINT, ROWS_LOADED BIGINT, ROWS_REJECTED BIGINT, BYTES BIGINT, MODIFIED_AT TIMESTAMP, AS_OF TIMESTAMP, STARTED_AT TIMESTAMP, FINISHED_AT TIMESTAMP, ERROR VARCHAR, TRACE_ID VARCHAR, RUN_FILES BIGINT, TABLE_FILES BIGINT, WORKER VARCHAR, DECIDED_BY VARCHAR, DECIDED_WHY VARCHAR);
CREATE TABLE IF NOT EXISTS RAW.STAGE_AUDIT (LOAD_ID VARCHAR, STAGE VARCHAR, MESSAGE_ID VARCHAR, STATUS VARCHAR, ATTEMPT BIGINT, STARTED_AT TIMESTAMP, FINISHED_AT TIMESTAMP, ERROR VARCHAR, ANNOUNCED VARCHAR, TRACE_ID VARCHAR, WORKER VARCHAR);
CREATE TABLE IF NOT EXISTS RAW.DATA_QUALITY_AUDIT (LOAD_ID VARCHAR, CHECK_NAME VARCHAR, TABLE_NAME VARCHAR, SEVERITY VARCHAR, STATUS VARCHAR, OBSERVED VARCHAR, EXPECTED VARCHAR, FAILED_ROWS BIGINT, CHECKED_AT TIMESTAMP, KIND VARCHAR, VALUE DOUBLE, ORIGIN VARCHAR);
CREATE TABLE IF NOT EXISTS RAW.REJECTED_ROWS (LOAD_ID VARCHAR, COMMAND_ID VARCHAR, TABLE_NAME VARCHAR, SOURCE_FILE VARCHAR, SOURCE_LINE BIGINT, REASON VARCHAR, RAW_TEXT VARCHAR, IS_TRUNCATED BOOLEAN, REJECTED_AT TIMESTAMP);
CREATE TABLE IF NOT EXISTS RAW.SCHEMA_CHANGES (LOAD_ID VARCHAR, COMMAND_ID VARCHAR, TABLE_NAME VARCHAR, SOURCE_FILE VARCHAR, CHANGE VARCHAR, COLUMN_NAME VARCHAR, POLICY VARCHAR, NOTED_AT TIMESTAMP);
CREATE TABLE IF NOT EXISTS RAW.QUALITY_SAMPLES (LOAD_ID VARCHAR, CHECK_NAME VARCHAR, TABLE_NAME VARCHAR, SOURCE_FILE VARCHAR, SOURCE_ROW BIGINT, ROW_DATA VARCHAR, CHECKED_AT TIMESTAMP);

-- Which loads are complete and which are current, read from the audit.
-- https://docs.snowflake.com/en/sql-reference/sql/create-view
CREATE OR REPLACE VIEW RAW."COMPLETE_LOADS" COPY GRANTS COMMENT = 'kept by millrace (29c881f1dd238ee9)' AS SELECT TABLE_NAME, LOAD_ID, COMMAND_ID, MAX(AS_OF) AS AS_OF FROM RAW.RAW_LOAD_AUDIT WHERE STATUS = 'SUCCESS' GROUP BY TABLE_NAME, LOAD_ID, COMMAND_ID HAVING MAX(TABLE_FILES) <= 1 OR COUNT(DISTINCT CASE WHEN TABLE_FILES > 1 THEN SOURCE_FILE END) >= MAX(TABLE_FILES) QUALIFY ROW_NUMBER() OVER (PARTITION BY TABLE_NAME, LOAD_ID ORDER BY COMMAND_ID DESC) = 1;
CREATE OR REPLACE VIEW RAW."CURRENT_LOADS" COPY GRANTS COMMENT = 'kept by millrace (b7dd4b3392aa6cfa)' AS SELECT TABLE_NAME, LOAD_ID, COMMAND_ID, AS_OF FROM RAW.COMPLETE_LOADS QUALIFY ROW_NUMBER() OVER (PARTITION BY TABLE_NAME ORDER BY AS_OF DESC, COMMAND_ID DESC, LOAD_ID DESC) = 1;
CREATE OR REPLACE VIEW RAW."CURRENT_FILES" COPY GRANTS COMMENT = 'kept by millrace (8751a54945a0f3ae)' AS SELECT F.TABLE_NAME, F.SOURCE_FILE, F.LOAD_ID, F.COMMAND_ID, G.AS_OF FROM RAW.RAW_LOAD_AUDIT F JOIN RAW.COMPLETE_LOADS G ON G.TABLE_NAME = F.TABLE_NAME AND G.LOAD_ID = F.LOAD_ID AND G.COMMAND_ID = F.COMMAND_ID WHERE F.STATUS = 'SUCCESS' QUALIFY ROW_NUMBER() OVER (PARTITION BY F.TABLE_NAME, F.SOURCE_FILE ORDER BY G.AS_OF DESC, F.COMMAND_ID DESC, F.LOAD_ID DESC) = 1;

-- Where parts of files wait for their COPY. Encrypted by the service, because workers upload by themselves.
-- https://docs.snowflake.com/en/sql-reference/sql/create-stage
CREATE STAGE IF NOT EXISTS RAW_RUN.LOAD_STAGE ENCRYPTION = (TYPE = 'SNOWFLAKE_SSE');

-- What two workers with the same load wait for: a lock is a table with one row.
-- https://docs.snowflake.com/en/sql-reference/sql/create-table
CREATE TABLE IF NOT EXISTS RAW_RUN.LOAD_LOCK_00 AS SELECT CAST('' AS VARCHAR) AS HOLDER;
CREATE TABLE IF NOT EXISTS RAW_RUN.LOAD_LOCK_01 AS SELECT CAST('' AS VARCHAR) AS HOLDER;
CREATE TABLE IF NOT EXISTS RAW_RUN.LOAD_LOCK_02 AS SELECT CAST('' AS VARCHAR) AS HOLDER;
CREATE TABLE IF NOT EXISTS RAW_RUN.LOAD_LOCK_03 AS SELECT CAST('' AS VARCHAR) AS HOLDER;
CREATE TABLE IF NOT EXISTS RAW_RUN.LOAD_LOCK_04 AS SELECT CAST('' AS VARCHAR) AS HOLDER;
CREATE TABLE IF NOT EXISTS RAW_RUN.LOAD_LOCK_05 AS SELECT CAST('' AS VARCHAR) AS HOLDER;
CREATE TABLE IF NOT EXISTS RAW_RUN.LOAD_LOCK_06 AS SELECT CAST('' AS VARCHAR) AS HOLDER;
CREATE TABLE IF NOT EXISTS RAW_RUN.LOAD_LOCK_07 AS SELECT CAST('' AS VARCHAR) AS HOLDER;
CREATE TABLE IF NOT EXISTS RAW_RUN.LOAD_LOCK_08 AS SELECT CAST('' AS VARCHAR) AS HOLDER;
CREATE TABLE IF NOT EXISTS RAW_RUN.LOAD_LOCK_09 AS SELECT CAST('' AS VARCHAR) AS HOLDER;
CREATE TABLE IF NOT EXISTS RAW_RUN.LOAD_LOCK_10 AS SELECT CAST('' AS VARCHAR) AS HOLDER;
CREATE TABLE IF NOT EXISTS RAW_RUN.LOAD_LOCK_11 AS SELECT CAST('' AS VARCHAR) AS HOLDER;
CREATE TABLE IF NOT EXISTS RAW_RUN.LOAD_LOCK_12 AS SELECT CAST('' AS VARCHAR) AS HOLDER;
CREATE TABLE IF NOT EXISTS RAW_RUN.LOAD_LOCK_13 AS SELECT CAST('' AS VARCHAR) AS HOLDER;
CREATE TABLE IF NOT EXISTS RAW_RUN.LOAD_LOCK_14 AS SELECT CAST('' AS VARCHAR) AS HOLDER;
CREATE TABLE IF NOT EXISTS RAW_RUN.LOAD_LOCK_15 AS SELECT CAST('' AS VARCHAR) AS HOLDER;

-- A user for programs: TYPE = SERVICE has no password and no second factor, and logs in by key. No secondary roles:
-- he can do what his role can, and nothing that other roles could. A user that is there stays as he is.
-- https://docs.snowflake.com/en/sql-reference/sql/create-user
USE ROLE USERADMIN;
CREATE USER IF NOT EXISTS MILLRACE_LOADER TYPE = SERVICE DEFAULT_ROLE = MILLRACE_LOADER DEFAULT_WAREHOUSE = MILLRACE_WH DEFAULT_NAMESPACE = MILLRACE DEFAULT_SECONDARY_ROLES = ();

-- The user works in the role.
-- https://docs.snowflake.com/en/sql-reference/sql/grant-role
USE ROLE SECURITYADMIN;
GRANT ROLE MILLRACE_LOADER TO USER MILLRACE_LOADER;

-- The user can't log in before he has a key: `millrace setup snowflake --print --private-key rsa_key.p8` fills it in.
-- https://docs.snowflake.com/en/user-guide/key-pair-auth
-- USE ROLE SECURITYADMIN; ALTER USER MILLRACE_LOADER SET RSA_PUBLIC_KEY = '<the public key, on one line>';

-- An upper limit: at 100 percent the warehouse finishes what it runs, and then stands still until the month ends or
-- the quota is raised. Loads fail meanwhile, are dead-lettered, and can be replayed. 100 credits are about 3 hours of
-- XSMALL a day.
-- https://docs.snowflake.com/en/user-guide/resource-monitors
-- USE ROLE ACCOUNTADMIN; CREATE RESOURCE MONITOR IF NOT EXISTS MILLRACE_LIMIT WITH CREDIT_QUOTA = 100 FREQUENCY =
-- MONTHLY START_TIMESTAMP = IMMEDIATELY TRIGGERS ON 80 PERCENT DO NOTIFY ON 100 PERCENT DO SUSPEND;

-- The limit holds for this warehouse.
-- https://docs.snowflake.com/en/user-guide/resource-monitors
-- USE ROLE ACCOUNTADMIN; ALTER WAREHOUSE MILLRACE_WH SET RESOURCE_MONITOR = MILLRACE_LIMIT;

-- From where the user may log in: the addresses behind which your workers stand.
-- https://docs.snowflake.com/en/user-guide/network-policies
-- USE ROLE SECURITYADMIN; CREATE NETWORK POLICY IF NOT EXISTS MILLRACE_WORKERS ALLOWED_IP_LIST = ('203.0.113.0/24');

-- A stolen key is worth nothing elsewhere.
-- https://docs.snowflake.com/en/user-guide/network-policies
-- USE ROLE SECURITYADMIN; ALTER USER MILLRACE_LOADER SET NETWORK_POLICY = MILLRACE_WORKERS;
