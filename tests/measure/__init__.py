"""What things cost, measured beside something comparable. Run by hand (`make measure`); nothing here is a test."""
