"""What finance operations do beside settling: watch, repair, redrive, report, clean up."""
