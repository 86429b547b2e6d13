//! What every worker needs: settings, contracts, retry, the stage loop, telemetry, shutdown
