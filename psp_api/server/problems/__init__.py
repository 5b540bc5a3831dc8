"""What a request is answered when it cannot be done: RFC 9457 problems, with one table of their statuses."""
