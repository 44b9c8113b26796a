"""What stands on each page. Sums come from the database, or are those of the rows shown; no rule of money is here."""
