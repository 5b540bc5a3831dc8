"""What every feature stands on: money, ids, calendar, errors, paging."""
