"""Limits: every number with its unit."""

SECONDS_TO_RETRY = 5  # until a full gate, a full disk or a lost database may be tried again
LONGEST_VALUE = 100  # characters of one value
LONGEST_SHOWN = 60  # characters of a value an answer repeats
MOST_ERRORS = 50  # reported at once: a hostile body must not buy a long answer
MOST_LISTED = 20  # categories an error message lists
MOST_ROWS = 1_000_000
MOST_LINES = 3_000_000  # of a table, with blank ones and those within cells
MOST_BYTES = 256 * 1024 * 1024
MOST_ARRAY_BYTES = 8 * 1024 * 1024  # of a JSON array, which has to be read whole
LONGEST_LINE = 64 * 1024  # characters or bytes
MOST_BATCH_ERRORS = 100  # reported of one batch
MOST_ROWS_EXPLAINED = 1_000  # rows whose errors a batch lists among its answers; further ones are only marked
MOST_ROWS_KEPT = 10_000  # checked rows of a JSON array that are kept; those of a longer one are checked twice
MOST_AT_ONCE = 32 * 1024 * 1024  # bytes of memory that a JSON array may need to be parsed at once
MOST_PARSED = 80 * 1024 * 1024  # bytes of memory that any JSON body may need
MOST_TEXTS = 10_000  # texts of one column
MOST_COMBINATIONS = 200_000  # of changes to a record that one search looks at
LONGEST_ACCEPT = 4096  # characters of an Accept or Accept-Language header that are read
LONGEST_MEDIA_TYPE = 256  # characters of a Content-Type, with its boundary (70 of them at most, RFC 2046)
LARGEST_BODY = 64 * 1024  # bytes, of a single record
MOST_MESSAGE_BYTES = 1024 * 1024  # of a message of an AI assistant
MOST_MESSAGES = 20  # of an assistant, in one body
MOST_ROWS_ASKED = 1_000  # of an assistant, in one call
SHORTEST_NAME, LONGEST_NAME = 3, 60  # characters, of an account
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 200  # characters
MOST_KEYS = 20  # API keys of an account
MOST_SAVED = 100_000  # saved predictions of an account
LARGEST_CLASS = 200  # phones of a class
MOST_REPEATABLE = 100_000  # requests of an account that can be sent again by their Idempotency-Key
DAYS_REPEATABLE = 30  # how long they can
MOST_SIGNED_IN = 1_000  # places where an account is signed in; a further one signs out the oldest
MOST_READ_PAST = 16 * 1024 * 1024  # bytes of a body that is too large, read so that its sender sees the refusal

# The first parts of addresses, which no table can have as its name.
RESERVED = frozenset(
    {
        "account",
        "accounts",
        "changes",
        "classes",
        "croissant",
        "curves",
        "docs",
        "drift",
        "examples",
        "health",
        "j",
        "join",
        "keys",
        "mcp",
        "metrics",
        "model",
        "openapi",
        "predict",
        "predictions",
        "probabilities",
        "probability",
        "scorecard",
        "session",
        "static",
        "tables",
        "take-home",
        "tokens",
        "twins",
        "users",
        "v2",
        "versions",
    }
)
