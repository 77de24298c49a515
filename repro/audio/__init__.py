"""The doors to the audio stack: each library that needs care is imported in one file here, and nowhere else.

    stft.py     STFT and resample: the only file that imports torchaudio
    files.py    read audio, write FLAC, draw spectrograms (soundfile, Pillow, matplotlib's colormaps)
    nussl.py    import_nussl: the only file that imports nussl, an independent reference for tests and benchmarks

Dimension letters: B batch, C sources, T samples, N frames, F frequencies (n_fft // 2 + 1).
Waveforms are float tensors with full scale at 1; rates are in Hz, levels in dB, lengths in samples.

Importing this package imports none of them: name the file that you need.
"""
