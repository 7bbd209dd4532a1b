"""走村入户: the household visit system of an organisation department (REST, expiring token)."""
