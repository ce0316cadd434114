"""Statements as documents for people and spreadsheets: CSV, HTML and PDF, all from one content."""
