"""Files: tables of question pairs and what is written safely to the disk."""
