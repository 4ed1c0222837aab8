"""Every query: SQLAlchemy Core on PostgreSQL (any number of processes) and SQLite (one process)."""
