"""What sales cost a merchant, and when they are paid."""
