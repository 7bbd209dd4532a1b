"""What a Python engineer would write instead: FastAPI, PostgreSQL and Procrastinate, done properly."""
