"""What the ports are in production: Postgres, SQS, the system clock, folders and buckets."""
