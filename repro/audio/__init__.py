"""Audio: transforms, files, and plots of spectrograms.

    stft.py     STFT and resampling: the only file that imports torchaudio
    files.py    read audio files, write WAV and FLAC (soundfile)
    nussl.py    import_nussl: the only file that imports nussl, an independent reference for tests and benchmarks

Letters: B batch, C sources, T samples, N frames, F frequencies (n_fft // 2 + 1).

Waveforms are float tensors. Full scale is 1. Rates are in Hz, levels in dB, lengths in samples.

`import repro.audio` imports none of these files. Import the file that you need.
"""
