"""The colours of places and hours, and the words that ask for them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Palette:
    """`sky` runs from the zenith to the horizon; `accents` from dark to light, for what is no landscape."""

    sky: tuple[str, ...]
    light: str
    cloud: tuple[str, str]
    haze: str
    land: str
    accents: tuple[str, ...]
    height: float
    """How high the sun or moon stands: 0 at the horizon, 1 at the zenith."""
    night: bool = False


PALETTES = {
    "sunset": Palette(
        ("#1f2a5c", "#56407f", "#b0527c", "#f07a55", "#ffc46b"),
        *("#ffd9a0", ("#5b3a63", "#ff9d6e"), "#cf7073", "#1c1528"),
        ("#1a1233", "#5b2a6e", "#c23b6b", "#ff7d4d", "#ffd583", "#fff3d6"),
        0.12,
    ),
    "dawn": Palette(
        ("#3f6ea8", "#7fa4cf", "#c7c3da", "#f6cbb7", "#ffe6b8"),
        *("#fff0cf", ("#9b93b5", "#ffe3d0"), "#f0cfc4", "#2b3347"),
        ("#27304f", "#5f6fa3", "#b59ac2", "#f2b3a6", "#ffdcb5", "#fff8e8"),
        0.2,
    ),
    "day": Palette(
        ("#1b57a6", "#3f86cf", "#7cb6e8", "#b5daf3", "#e2f1f8"),
        *("#fffbe8", ("#8fa6bf", "#ffffff"), "#b7d3e6", "#1d3324"),
        ("#0f2a4d", "#1f5a94", "#3f9bc4", "#8fd0d6", "#e3efcf", "#ffffff"),
        0.62,
    ),
    "night": Palette(
        ("#050816", "#0a1230", "#142250", "#243a70", "#3f5b8c"),
        *("#e9f0ff", ("#0d1530", "#5d7099"), "#32487a", "#04070f"),
        ("#04060f", "#101a45", "#2c3f8f", "#5a7fd0", "#b2d0f2", "#ffffff"),
        0.6,
        night=True,
    ),
    "storm": Palette(
        ("#1a2029", "#2f3a47", "#4f5f6c", "#7d8b90", "#b5bdb8"),
        *("#e8ecdf", ("#20272f", "#aab6b8"), "#7e8d94", "#12181b"),
        ("#0e1419", "#2a3a46", "#4f6b78", "#8ba3a8", "#cdd6cf", "#f6f6ea"),
        0.35,
    ),
    "forest": Palette(
        ("#6f9c99", "#9dbfb0", "#c9d9bd", "#e9e8c6", "#f8f1d0"),
        *("#fffbe0", ("#a9c1b2", "#fbfbe8"), "#c5d8bf", "#0c2218"),
        ("#08160f", "#17402b", "#3b7a45", "#8fb45a", "#dcd98c", "#fbf9dd"),
        0.42,
    ),
    "ocean": Palette(
        ("#0d5a86", "#2f8fb3", "#73c2cc", "#bfe6dc", "#f7f1d6"),
        *("#fff7da", ("#7fb0bb", "#ffffff"), "#a9d8d6", "#0b2f3d"),
        ("#03142b", "#0a3d62", "#117a8b", "#3fb8a8", "#a8e6cf", "#f6fff4"),
        0.45,
    ),
    "gold": Palette(
        ("#4f3213", "#8e5e1c", "#cf932e", "#f3c766", "#fff0bd"),
        *("#fffbe0", ("#6e4517", "#ffe7a3"), "#e2b45c", "#1f1206"),
        ("#130a04", "#4a2a08", "#96631a", "#d9a636", "#ffdf83", "#fffbe6"),
        0.22,
    ),
    "autumn": Palette(
        ("#5a7f9e", "#a3b3b3", "#e3c99c", "#f4b673", "#f7d9a3"),
        *("#fff1cf", ("#a58a7a", "#fff0d8"), "#dfb185", "#3a1a10"),
        ("#1f0d0a", "#5f1f14", "#a8421f", "#de8432", "#f3c263", "#fdf0cf"),
        0.3,
    ),
    "winter": Palette(
        ("#5f86b3", "#93b3d4", "#c3d8ea", "#e3edf4", "#f8f6f1"),
        *("#ffffff", ("#a9bfd3", "#ffffff"), "#d3e2ee", "#22374d"),
        ("#0e2238", "#2f5d8a", "#6fa3c9", "#b4d5e6", "#e6f3f7", "#ffffff"),
        0.3,
    ),
    "spring": Palette(
        ("#6ea7dd", "#a3c9ea", "#d8dcef", "#f8d9e3", "#fff0ea"),
        *("#fffaf0", ("#c7b6cf", "#ffffff"), "#ecd6e3", "#2c4a35"),
        ("#35203a", "#8a4571", "#d9779f", "#f5adc0", "#fddde0", "#fffaf5"),
        0.5,
    ),
    "desert": Palette(
        ("#2d6a9f", "#78a5c4", "#cfc7b0", "#f3cf9b", "#fbe3b8"),
        *("#fff4d6", ("#c0a58c", "#fff2dd"), "#eabf8d", "#8a4a24"),
        ("#2a0f08", "#7a331a", "#bd6230", "#e59a55", "#f6cf94", "#fff4df"),
        0.32,
    ),
    "neon": Palette(
        ("#0a0620", "#240b4e", "#5a1483", "#c0217f", "#ff6d8d"),
        *("#ff9ad5", ("#1d0a3c", "#d6408f"), "#8a1f8a", "#07030f"),
        ("#05020f", "#2b0a63", "#8a12a8", "#ff2f8f", "#21d4fd", "#eafcff"),
        0.2,
        night=True,
    ),
    "lavender": Palette(
        ("#3f3a7f", "#6f65b3", "#a993d6", "#d9bfe6", "#f8e3ec"),
        *("#fff2fa", ("#7f73b3", "#fbe6f5"), "#c6b0dd", "#251c42"),
        ("#171033", "#40307d", "#7d62bd", "#b99ae0", "#e8cdf0", "#fffaff"),
        0.28,
    ),
    "fire": Palette(
        ("#12060a", "#3a0d12", "#7f1a14", "#d1431a", "#ffa036"),
        *("#ffd27a", ("#24090c", "#e2552a"), "#a8321b", "#0d0405"),
        ("#080204", "#3d060c", "#98140f", "#ea4a12", "#ffae2e", "#fff6c8"),
        0.08,
    ),
    "mono": Palette(
        ("#1c1c1e", "#4a4a4d", "#858587", "#bcbcbd", "#ececea"),
        *("#ffffff", ("#5e5e60", "#f5f5f3"), "#b3b3b3", "#0c0c0d"),
        ("#060606", "#2b2b2c", "#6a6a6b", "#a9a9a8", "#dededc", "#ffffff"),
        0.35,
    ),
}

# In order of precedence: the hour decides over the weather, the season and the place.
PALETTE_WORDS = {
    "mono": "noir monochrome grayscale greyscale ink charcoal",
    "sunset": "sunset dusk evening twilight sundown golden-hour orange",
    "dawn": "dawn sunrise morning pastel peach",
    "neon": "neon cyberpunk synthwave vaporwave retrowave magenta",
    "night": "night midnight moon moonlight moonlit star starry stars aurora dark nocturne",
    "fire": "fire flame lava volcano ember inferno hell dragon red",
    "storm": "storm thunder rain rainy lightning grey gray fog foggy gloomy",
    "winter": "winter snow snowy ice icy frost glacier arctic white",
    "autumn": "autumn fall maple leaves october rust brown",
    "spring": "spring cherry sakura blossom flower garden rose pink tulip",
    "gold": "gold golden amber honey bronze brass luxury yellow",
    "lavender": "lavender purple violet lilac dream dreamy magic magical fantasy",
    "desert": "desert dune sand sahara canyon mars",
    "ocean": "ocean sea beach coast wave tropical island lagoon teal turquoise underwater cyan",
    "forest": "forest jungle woods tree pine emerald moss green fern rainforest",
    "day": "day noon sky blue summer sunny meadow",
}

# Gas in space glows in the lines of few elements; each runs from the dark between stars to a core's white.
COSMIC = (
    ("#03040c", "#1b1145", "#5a1f7d", "#c8447f", "#ff9f6e", "#fff0dc"),
    ("#02060b", "#0a2a3f", "#12708a", "#4fb6a6", "#e0a25c", "#fff1d6"),
    ("#040309", "#2a0d33", "#7a1747", "#d8434a", "#ffb26b", "#fff6e3"),
    ("#02040d", "#0f1e5c", "#2f5fd0", "#6fb7f0", "#e6b8f2", "#ffffff"),
)
