"""HTTP, as the API and the pages share it: parsing, field types, headers, problems, and CSV."""
