// A label's executable needs one source before its first test comes.
