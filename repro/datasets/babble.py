"""Synthesis of the voices of `datasets.SyntheticVoices`.

A *voice* is drawn at random from a continuous population of men, women and children. It has a pitch, a vocal-tract
length, formant ratios, spectral tilt, breathiness, jitter and speaking rate.

An *utterance* is babble: syllables of stops, fricatives, nasals, glides and vowels, with pauses, moving formants,
falling pitch and accents. The synthesis is a source-filter model (Fant, 1960): glottal pulses and noise pass through
the resonances of a tube. The filtering is frame by frame, with overlap-add.

Letters: T samples, M milliseconds of control tracks, J frames, K frequencies, P glottal pulses.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]  # float64, or complex128 for responses

# Mean formants F1 F2 F3 of 33 men, in Hz: Peterson & Barney (1952).
VOWELS = np.array([
    (270, 2290, 3010), (390, 1990, 2550), (530, 1840, 2480), (660, 1720, 2410), (730, 1090, 2440),
    (570, 840, 2410), (440, 1020, 2240), (300, 870, 2240), (640, 1190, 2390), (490, 1350, 1690),
], dtype=float)  # fmt: skip

# Each row is a segment with constant targets. Levels are linear. "centre" is the centre of the frication noise in Hz.
# F1    F2    F3   ms  voice breath hiss centre
CONSONANTS = tuple(np.array(rows, dtype=float) for rows in (
    [(250, 1100, 2200, 70, 0.30, 0.0, 0.00, 2000)],  # m
    [(250, 1600, 2500, 65, 0.30, 0.0, 0.00, 2000)],  # n
    [(360, 1200, 2700, 60, 0.55, 0.0, 0.00, 2000)],  # l
    [(350, 1100, 1500, 65, 0.55, 0.0, 0.00, 2000)],  # r
    [(300, 700, 2200, 65, 0.55, 0.0, 0.00, 2000)],  # w
    [(270, 2250, 3000, 65, 0.55, 0.0, 0.00, 2000)],  # j
    [(350, 1700, 2600, 110, 0.00, 0.0, 0.45, 5200)],  # s
    [(350, 1800, 2500, 110, 0.00, 0.0, 0.40, 2900)],  # sh
    [(350, 1000, 2300, 90, 0.00, 0.0, 0.12, 4200)],  # f
    [(300, 1700, 2600, 75, 0.25, 0.0, 0.20, 5200)],  # z
    [(300, 1000, 2300, 60, 0.30, 0.0, 0.06, 4200)],  # v
    [(500, 1500, 2500, 60, 0.00, 0.5, 0.00, 2000)],  # h
    [(300, 800, 2100, 65, 0, 0, 0, 900), (350, 900, 2200, 9, 0, 0, 0.5, 900),
     (400, 1000, 2300, 35, 0, 0.3, 0, 900)],  # p
    [(300, 1700, 2600, 60, 0, 0, 0, 3800), (350, 1700, 2600, 11, 0, 0, 0.7, 3800),
     (400, 1600, 2500, 40, 0, 0.3, 0.1, 3800)],  # t
    [(300, 1900, 2300, 60, 0, 0, 0, 2000), (350, 1900, 2300, 14, 0, 0, 0.6, 2000),
     (400, 1700, 2300, 45, 0, 0.3, 0, 2000)],  # k
    [(250, 800, 2100, 60, 0.06, 0, 0, 900), (350, 900, 2200, 8, 0.2, 0, 0.3, 900)],  # b
    [(250, 1700, 2600, 55, 0.06, 0, 0, 3800), (350, 1700, 2600, 9, 0.2, 0, 0.4, 3800)],  # d
    [(250, 1900, 2300, 55, 0.06, 0, 0, 2000), (350, 1900, 2300, 11, 0.2, 0, 0.4, 2000)],  # g
))  # fmt: skip

# Pitch in Hz, from the lowest men to the highest children. The distribution is uniform in semitones. Real voices
# concentrate around two pitches, so they are harder to distinguish. A higher pitch goes with a shorter vocal tract.
PITCHES = (85.0, 340.0)
TRACT = (118.0, 0.3)  # pitch in Hz of the men in the table (scale 1), and the exponent of the pitch in the scale
BANDWIDTHS = np.array((70.0, 95.0, 140.0))  # of F1 F2 F3, in Hz
UPPER_FORMANTS = np.array((3500.0, 4500.0, 5500.0, 6500.0, 7500.0))  # resonances of a 17 cm tube, in Hz
FILTER_SECONDS = 0.012  # hop of the time-varying filter


class Voice(NamedTuple):
    """Parameters of one voice. `f0` is in Hz.

    `scale`, `formants` and `bandwidth` multiply the table values above (1: as in the table); `rate` divides the
    durations. Other units are at the field.
    """

    f0: float
    scale: float
    formants: Array  # (3,) the voice's ratios of F1 F2 F3
    tilt: float  # dB per octave above 300 Hz
    breathiness: float  # noise in the glottal source, linear
    jitter: float  # of pulse times, relative to the period
    rate: float
    f0_range: float  # standard deviation of accents, in semitones
    bandwidth: float


def draw_voice(rng: np.random.Generator) -> Voice:
    """Draw a voice from the population. Pitch and tract length are correlated only loosely, as in real people."""
    f0 = np.exp(rng.uniform(*np.log(PITCHES)))
    return Voice(
        f0=f0,
        scale=(f0 / TRACT[0]) ** TRACT[1] * np.exp(rng.normal(0, 0.05)),
        formants=np.exp(rng.normal(0, (0.05, 0.05, 0.04))),
        tilt=rng.uniform(5.0, 12.0),
        breathiness=np.exp(rng.uniform(np.log(0.01), np.log(0.12))),
        jitter=rng.uniform(0.002, 0.015),
        rate=np.exp(rng.normal(0, 0.15)),
        f0_range=rng.uniform(0.5, 2.0),
        bandwidth=np.exp(rng.normal(0, 0.2)),
    )


def draw_syllable(rng: np.random.Generator) -> Array:
    """Draw the target rows (rows, 9) of a syllable.

    A syllable has an optional consonant, a vowel or diphthong, an optional coda and an optional pause. The columns are
    those of `CONSONANTS`, then the accent in standard deviations of the voice's pitch range.
    """
    rows = []
    if rng.random() < 0.85:
        rows.append(CONSONANTS[rng.integers(len(CONSONANTS))])
    stress = np.exp(rng.normal(0, 0.35))
    milliseconds = 95 * np.exp(rng.normal(0, 0.35))
    for vowel in VOWELS[rng.integers(len(VOWELS), size=1 + (rng.random() < 0.25))]:
        rows.append(np.array([(*vowel, milliseconds, stress, 0, 0, 2000)]))
    if rng.random() < 0.35:
        rows.append(CONSONANTS[rng.integers(len(CONSONANTS))])
    if rng.random() < 0.12:
        rows.append(np.array([(500, 1500, 2500, rng.uniform(80, 350), 0, 0, 0, 2000)]))
    targets = np.concatenate(rows)
    return np.column_stack([targets, np.full(len(targets), rng.normal())])


def smooth(tracks: Array, milliseconds: int) -> Array:
    """Hann-weighted running mean of tracks (M, n): tongue and lips have mass, so they reach a target gradually."""
    window = np.hanning(milliseconds + 2)[1:-1]
    window /= window.sum()
    padded = np.pad(tracks, ((milliseconds // 2, (milliseconds - 1) // 2), (0, 0)), mode="edge")
    return np.stack([np.convolve(column, window, mode="valid") for column in padded.T], axis=1)


class Score(NamedTuple):
    """How an utterance sounds over time: one value per millisecond for formants, levels, noise centre and pitch.

    (A score as in music.)
    """

    formants: Array  # (M, 3) Hz
    levels: Array  # (M, 3) of voice, breath and hiss, linear
    centre: Array  # (M,) Hz, of the frication noise
    f0: Array  # (M,) Hz


def draw_score(rng: np.random.Generator, voice: Voice, milliseconds: int) -> Score:
    """Draw syllables until `milliseconds` are full; returns smooth control tracks."""
    lead = int(rng.integers(0, 150))  # ms of silence, so that utterances do not all begin in the same frame
    rows = [np.array([(500, 1500, 2500, lead, 0, 0, 0, 2000, 0)], dtype=float)]
    while sum(block[:, 3].sum() for block in rows) < milliseconds * voice.rate:
        rows.append(draw_syllable(rng))
    targets = np.concatenate(rows)
    lengths = np.maximum(1, targets[:, 3] / voice.rate).round().astype(int)
    steady = np.repeat(targets, lengths, axis=0)
    steady = np.pad(steady, ((0, max(0, milliseconds - len(steady))), (0, 0)), mode="edge")[:milliseconds]
    return Score(
        formants=smooth(steady[:, :3], 55) * voice.formants * voice.scale,
        levels=smooth(steady[:, 4:7], 14),
        centre=steady[:, 7],
        f0=draw_pitch(rng, voice, smooth(steady[:, 8:], 160)[:, 0]),
    )


def draw_pitch(rng: np.random.Generator, voice: Voice, accents: Array) -> Array:
    """f0 (M,) in Hz: accents (M,) plus a line that falls within each phrase, plus a slow drift."""
    times = np.arange(len(accents)) / 1000
    phrase = rng.uniform(1.2, 2.5)  # seconds
    decline = 2.0 * (0.5 - (times / phrase + rng.random()) % 1)  # semitones
    knots = np.arange(0, times[-1] + 0.5, 0.25)
    drift = np.interp(times, knots, rng.normal(0, 0.3, len(knots)))
    semitones = voice.f0_range * accents + smooth(decline[:, None], 100)[:, 0] + drift
    return voice.f0 * 2 ** (semitones / 12)


def glottal_pulses(rng: np.random.Generator, voice: Voice, f0: Array, sample_rate: int) -> Array:
    """Band-limited pulses (T,) at the periods of f0 (T,) Hz, with jitter and shimmer. Sharp pulses would alias."""
    phase = np.cumsum(f0) / sample_rate
    cycles = np.arange(1, int(phase[-1]))
    times = np.interp(cycles + rng.normal(0, voice.jitter, len(cycles)), phase, np.arange(len(f0)))  # (P,) samples
    taps = np.arange(-8, 9)
    nearest = np.rint(times).astype(int)
    offsets = (nearest - times)[:, None] + taps  # (P, taps)
    shapes = np.sinc(offsets) * np.cos(np.pi * offsets / 18) ** 2
    shapes *= np.exp(rng.normal(0, 4 * voice.jitter, (len(times), 1)))
    pulses = np.zeros(len(f0) + 17)
    np.add.at(pulses, np.clip(nearest[:, None] + taps + 8, 0, len(f0) + 16), shapes)
    # A low voice has fewer pulses per second. Without this factor it would also be quieter.
    return pulses[8:-9] * np.sqrt(sample_rate / f0)


def resonances(frequencies: Array, centres: Array, bandwidths: Array) -> NDArray[np.complex128]:
    """Response (..., K) of a cascade of poles: centres (..., n) and bandwidths (..., n) in Hz; 1 at 0 Hz."""
    squares = centres[..., None] ** 2
    return (squares / (squares - frequencies**2 + 1j * bandwidths[..., None] * frequencies)).prod(axis=-2)


def tract_response(voice: Voice, formants: Array, frequencies: Array) -> NDArray[np.complex128]:
    """Response (J, K) from the glottis to the far field, for moving formants (J, 3) in Hz."""
    upper = UPPER_FORMANTS * voice.scale
    above = np.maximum(frequencies, 1.0) / 300
    fixed = resonances(frequencies, upper, 0.06 * upper * voice.bandwidth)
    # Lips radiate the derivative of the flow, which removes 0 Hz. `tilt` is the tilt of flow and lips together.
    fixed = fixed * (frequencies / (frequencies + 100)) * (1 + above**2) ** (-voice.tilt / 12.04)
    bandwidths = np.broadcast_to(BANDWIDTHS * voice.bandwidth * voice.scale, formants.shape)
    return resonances(frequencies, formants, bandwidths) * fixed


def hiss_response(voice: Voice, centre: Array, frequencies: Array) -> Array:
    """Response (J, K) of frication: in each frame one broad peak around centre (J,) Hz of an average man."""
    octaves = np.log2(np.maximum(frequencies, 50.0) / (centre[:, None] * voice.scale**0.5))
    return np.exp(-0.5 * (octaves / 0.45) ** 2)


def filter_frames(sources: Array, responses: NDArray[np.complex128], hop: int) -> Array:
    """Filter sources (n, T), each by its own response (n, J, K), and add them up -> (T,).

    The responses change from frame to frame. The frames have Hann windows of two hops and are added with overlap.
    Zeros after each window hold the decay of the filter.
    """
    num_samples, num_frames, size = sources.shape[1], responses.shape[1], 2 * (responses.shape[2] - 1)
    padded = np.pad(sources, ((0, 0), (hop, (num_frames + 1) * hop - hop - num_samples)))
    window = 0.5 - 0.5 * np.cos(np.pi * (np.arange(2 * hop) + 0.5) / hop)
    frames = np.lib.stride_tricks.sliding_window_view(padded, 2 * hop, axis=1)[:, ::hop] * window  # (n, J, 2 hop)
    ringing = np.fft.irfft((np.fft.rfft(frames, size) * responses).sum(0), size)  # (J, size)
    blocks = -(-size // hop)
    # Zero-phase responses also ring backwards in time, which a DFT wraps to the end: move half a hop to the front.
    ringing = np.pad(np.roll(ringing, hop // 2, axis=1), ((0, 0), (0, blocks * hop - size)))
    ringing = ringing.reshape(num_frames, blocks, hop)
    total = np.zeros((num_frames + blocks, hop))
    for block in range(blocks):
        total[block : block + num_frames] += ringing[:, block]
    return total.reshape(-1)[hop + hop // 2 :][:num_samples]


def synthesise(rng: np.random.Generator, voice: Voice, seconds: float, sample_rate: int) -> Array:
    """Synthesise an utterance (T,) of a voice, with an RMS of 0.1."""
    num_samples = round(seconds * sample_rate)
    score = draw_score(rng, voice, int(np.ceil(seconds * 1000)) + 1)
    clock = np.arange(len(score.f0)) / 1000
    times = np.arange(num_samples) / sample_rate
    voicing, breath, hiss = (np.interp(times, clock, level) for level in score.levels.T)
    pulses = glottal_pulses(rng, voice, np.interp(times, clock, score.f0), sample_rate)
    noise = rng.standard_normal((2, num_samples))
    glottis = voicing * (pulses + voice.breathiness * noise[0]) + 0.3 * breath * noise[0]

    hop = round(FILTER_SECONDS * sample_rate)
    num_frames = -(-num_samples // hop) + 1
    frequencies = np.fft.rfftfreq(1 << (4 * hop).bit_length(), 1 / sample_rate)  # room for a decay of at least two hops
    at = np.minimum((np.arange(num_frames) * FILTER_SECONDS * 1000).astype(int), len(clock) - 1)
    responses = np.stack([
        tract_response(voice, score.formants[at], frequencies),
        hiss_response(voice, score.centre[at], frequencies),
    ])  # fmt: skip
    samples = filter_frames(np.stack([glottis, hiss * noise[1]]), responses, hop)
    return samples * (0.1 / np.sqrt(np.mean(samples**2) + 1e-12))
