"""What the admin pages share: their frame, and names for codes and ids."""
