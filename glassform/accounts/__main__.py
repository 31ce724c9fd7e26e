"""`python -m glassform.accounts` gives somebody with an account a role."""

from glassform.accounts.database import main

main()
