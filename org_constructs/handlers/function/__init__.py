"""The root of the function's archive. Only what runs in Lambda lies here."""
