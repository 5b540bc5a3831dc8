"""Reports as files: CSV that Excel opens and Parquet for machines, in a folder or in S3."""
