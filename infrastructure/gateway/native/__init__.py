"""Our own routes: all that a customer's program asks of the studio, in the same documents as the command line's."""
