"""The studio in a browser: pages that show the documents of the API's routes, and forms that call its use cases.

    cookie ── session ── key's holder ── require(page) ── document at one position ─┬─ template ── HTML
                                                                                    ├─ .json
                                                                                    └─ .csv
    form ── token ── session ── key's holder ── require(action) ── use case ── see other

    pages/       one file a page: its record, and its document
    templates/   what stands around a document; every word is in words.toml
    static/      one style sheet, one script, and in vendor/ what others wrote, by a manifest

See docs/dashboard.md for how a page is added.
"""
