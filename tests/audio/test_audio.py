"""repro.audio against scipy, torch and nussl: the STFT, resampling, files, pictures, and the two doors."""

import importlib
import io
import sys
import warnings
from types import ModuleType

import numpy as np
import pytest
import scipy.signal
import soundfile
import torch
from PIL import Image

import repro.audio.nussl
import repro.audio.stft
from repro.audio.files import read_audio, write_flac
from repro.audio.stft import STFT, WINDOWS, resample
from repro.data.sound_panels import spectrogram_peak, write_spectrogram

RATE = 8000


@pytest.fixture(scope="module")
def nussl():
    try:
        return repro.audio.nussl.import_nussl()
    except ImportError as error:
        if error.name != "nussl":  # what nussl needs is missing: a fault of our list
            raise
        pytest.skip(str(error))


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def sine(hertz, rate=RATE, seconds=1.0):
    return torch.sin(2 * torch.pi * hertz * torch.arange(round(rate * seconds), dtype=torch.float64) / rate).float()


def scipy_window(name, length):
    root = name.startswith("sqrt_")
    window = scipy.signal.get_window(name.removeprefix("sqrt_"), length, fftbins=True)
    return np.sqrt(window) if root else window


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize(("n_fft", "hop_length"), [(256, 64), (512, 128), (200, 50)])
def test_stft_is_scipys(window, n_fft, hop_length):
    waveform = noise(4000)
    weights = scipy_window(window, n_fft)
    _, _, expected = scipy.signal.stft(
        waveform.numpy(), window=weights, nperseg=n_fft, noverlap=n_fft - hop_length, boundary="even", padded=False
    )
    ours = STFT(n_fft, hop_length, window)(waveform)
    assert ours.shape == (1 + 4000 // hop_length, n_fft // 2 + 1)
    np.testing.assert_allclose(ours.numpy(), expected.T * weights.sum(), atol=2e-4)


def test_stft_is_nussls_away_from_the_ends(nussl):
    waveform = noise(4000)
    parameters = nussl.STFTParams(window_length=256, hop_length=64, window_type="sqrt_hann")
    signal = nussl.AudioSignal(audio_data_array=waveform.numpy(), sample_rate=RATE, stft_params=parameters)
    theirs = signal.stft()[..., 0].T * scipy_window("sqrt_hann", 256).sum()  # nussl divides by the window's sum
    inner = slice(2, 60)  # nussl pads the ends with zeros, we reflect them
    np.testing.assert_allclose(STFT()(waveform)[inner].numpy(), theirs[inner], atol=2e-4)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("length", [129, 1000, 4096, 8001])
def test_inverse_reconstructs_any_length(window, length):
    waveform, stft = noise(2, 3, length), STFT(256, 64, window)
    torch.testing.assert_close(stft.inverse(stft(waveform), length), waveform, atol=1e-5, rtol=0)


def test_inverse_at_half_overlap_reconstructs_whole_hops():
    waveform, stft = noise(128 * 30), STFT(256, 128)
    torch.testing.assert_close(stft.inverse(stft(waveform), 128 * 30), waveform, atol=1e-5, rtol=0)


@pytest.mark.parametrize("window", WINDOWS)
def test_a_unit_sine_has_half_the_windows_sum(window):
    magnitude = STFT(window=window)(sine(hertz=32 * RATE / 256)).abs()
    assert magnitude[10:-10, 32].numpy() == pytest.approx(scipy_window(window, 256).sum() / 2, rel=1e-3)
    assert magnitude[10:-10].argmax(dim=-1).unique().tolist() == [32]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"window": "sqrthann"}, "no window 'sqrthann'; did you mean 'sqrt_hann'?"),
        ({"n_fft": 255}, "n_fft must be even and at least 2, got 255"),
        ({"hop_length": 129}, "hop_length must lie between 1 and n_fft / 2 = 128, got 129"),
        ({"hop_length": 0}, "hop_length must lie between 1 and n_fft / 2 = 128, got 0"),
    ],
)
def test_stft_refuses_bad_values_in_one_line(arguments, message):
    with pytest.raises(ValueError) as error:
        STFT(**arguments)
    assert str(error.value) == message


def test_stft_refuses_what_it_cannot_reflect():
    assert STFT()(noise(129)).shape == (3, 129)
    with pytest.raises(ValueError, match="more than n_fft / 2 = 128 samples, got 128"):
        STFT()(noise(128))


def test_resampling_keeps_a_sine_and_drops_what_lies_above_nyquist():
    low, high = sine(440, rate=16000), sine(6000, rate=16000)
    inner = slice(200, -200)
    resampled = resample(low + high, 16000, RATE)
    assert resampled.shape == (RATE,)
    torch.testing.assert_close(resampled[inner], sine(440)[inner], atol=5e-3, rtol=0)  # -46 dB of full scale


def test_resampling_refuses_a_rate_of_zero():
    with pytest.raises(ValueError, match="at least 1 Hz, got 8000 and 0"):
        resample(noise(100), RATE, 0)


@pytest.fixture
def failing_import(monkeypatch):
    """Make the first import of torchaudio raise the given error; the second gives a stand-in."""

    def fail_with(error):
        monkeypatch.setitem(sys.modules, "torchaudio._extension", ModuleType("before"))  # to be put back afterwards
        outcomes = iter([error, ModuleType("torchaudio")])

        def import_module(name):
            outcome = next(outcomes)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        monkeypatch.setattr(repro.audio.stft.importlib, "import_module", import_module)
        return repro.audio.stft._import_torchaudio

    return fail_with


@pytest.mark.parametrize(
    "error",
    [
        OSError("Could not load this library: site-packages/torchaudio/lib/_torchaudio.abi3.so"),
        OSError("libc10_cuda.so: cannot open shared object file: No such file or directory"),
        ImportError("Failed to load libtorchaudio"),
    ],
)
def test_torchaudio_without_its_library_gets_the_stub(failing_import, error):
    def forced_align(): ...

    assert failing_import(error)().__name__ == "torchaudio"
    extension = sys.modules["torchaudio._extension"]
    assert extension._IS_TORCHAUDIO_EXT_AVAILABLE is False
    with pytest.raises(RuntimeError, match="forced_align needs torchaudio's compiled extension"):
        extension.fail_if_no_align(forced_align)()


@pytest.mark.parametrize("error", [ModuleNotFoundError("No module named 'torchaudio'"), OSError("disk full")])
def test_any_other_failure_of_torchaudio_is_told(failing_import, error):
    import_torchaudio = failing_import(error)
    with pytest.raises(type(error), match=str(error)):
        import_torchaudio()
    assert sys.modules["torchaudio._extension"].__name__ == "before"


def test_flac_comes_back_to_16_bits(tmp_path):
    samples = 0.1 * noise(4000)
    assert write_flac(tmp_path / "a.flac", samples, RATE) == 1.0
    assert soundfile.info(tmp_path / "a.flac").subtype == "PCM_16"
    torch.testing.assert_close(read_audio(tmp_path / "a.flac"), samples, atol=1.01 / 2**15, rtol=0)


def test_flac_scales_only_what_would_clip(tmp_path):
    samples = 4.0 * sine(440)
    assert write_flac(tmp_path / "loud.flac", samples, RATE) == pytest.approx(0.25, rel=1e-3)
    torch.testing.assert_close(read_audio(tmp_path / "loud.flac"), samples / 4, atol=1e-3, rtol=0)


def test_reading_takes_file_objects_and_resamples(tmp_path):
    write_flac(tmp_path / "a.flac", 0.5 * sine(440, rate=16000), 16000)
    read = read_audio(io.BytesIO((tmp_path / "a.flac").read_bytes()), sample_rate=RATE)
    assert read.dtype == torch.float32 and read.shape == (RATE,)
    torch.testing.assert_close(read[200:-200], 0.5 * sine(440)[200:-200], atol=5e-3, rtol=0)


def test_what_cannot_be_read_is_told_in_one_line(tmp_path):
    soundfile.write(tmp_path / "stereo.wav", np.zeros((10, 2)), RATE)
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), RATE)
    (tmp_path / "text.wav").write_text("not audio")
    messages = {"stereo": "has 2 channels", "empty": "no samples", "text": "cannot read", "none": "cannot read"}
    for name, message in messages.items():
        with pytest.raises(ValueError, match=message) as error:
            read_audio(tmp_path / f"{name}.wav")
        assert f"{name}.wav" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("samples", [torch.zeros(2, 9), torch.zeros(0), torch.tensor([0.0, torch.nan])])
def test_what_cannot_be_written_is_refused(tmp_path, samples):
    for write in (write_flac, write_spectrogram):
        with pytest.raises(ValueError):
            write(tmp_path / "out", samples, RATE)
    assert not (tmp_path / "out").exists()


def drawn(path):
    """Palette indices of a picture, row 0 at the top."""
    with Image.open(path) as image:
        assert image.mode == "P"
        return np.asarray(image)


def test_a_spectrogram_is_small_even_for_noise(tmp_path):
    write_spectrogram(tmp_path / "a.png", noise(2 * RATE), RATE)  # nothing compresses worse
    assert (tmp_path / "a.png").stat().st_size <= 10_000
    assert drawn(tmp_path / "a.png").shape == (129, 126)


def test_low_frequencies_lie_at_the_bottom(tmp_path):
    write_spectrogram(tmp_path / "a.png", sine(500), RATE)
    rows = drawn(tmp_path / "a.png")[:, 10:-10].argmax(axis=0)
    assert set(rows) == {128 - 16}  # 500 Hz is bin 16 of 0..128


def test_equal_colours_are_equal_levels(tmp_path):
    loud = sine(500)
    peak = spectrogram_peak(loud, RATE)
    brightest = {}
    for gain_db in (0, -35, -80):
        write_spectrogram(tmp_path / "a.png", loud * 10 ** (gain_db / 20), RATE, peak=peak)
        brightest[gain_db] = int(drawn(tmp_path / "a.png").max())
    assert brightest[-35] in (15, 16) and (brightest[0], brightest[-80]) == (31, 0)  # of 32 colours over 70 dB


def test_silence_and_short_sounds_can_be_drawn(tmp_path):
    write_spectrogram(tmp_path / "silence.png", torch.zeros(RATE), RATE)
    assert drawn(tmp_path / "silence.png").max() == 0
    write_spectrogram(tmp_path / "click.png", torch.ones(1), RATE)
    assert drawn(tmp_path / "click.png").max() == 31


def test_a_wrong_colormap_is_told(tmp_path):
    with pytest.raises(ValueError, match="no colormap 'virdis'; did you mean 'viridis'"):
        write_spectrogram(tmp_path / "a.png", noise(RATE), RATE, colormap="virdis")


def test_importing_nussl_leaves_no_trace_elsewhere(nussl):
    stand_ins = [name for name, module in sys.modules.items() if isinstance(module, repro.audio.nussl._Later)]
    assert nussl.__version__ == "1.1.9" and stand_ins == []
    assert not hasattr(scipy.signal, "hann") and not hasattr(np, "mat")
    assert not any(action == "ignore" and category is Warning for action, _, category, *_ in warnings.filters)
    with pytest.raises(TypeError):
        importlib.import_module("librosa").resample(np.zeros(9), 2, 1)  # librosa itself is not mended


@pytest.mark.slow
def test_nussl_resamples_with_todays_librosa(nussl):
    signal = nussl.AudioSignal(audio_data_array=sine(440, rate=16000).numpy(), sample_rate=16000)
    signal.resample(RATE)
    np.testing.assert_allclose(signal.audio_data[0, 200:-200], sine(440)[200:-200], atol=5e-3)


def test_nussls_checkpoints_load_without_unsafe_pickles(nussl, tmp_path):
    transforms = nussl.datasets.transforms.Compose([nussl.datasets.transforms.ToSeparationModel()])
    model = nussl.ml.SeparationModel(
        nussl.ml.networks.builders.build_recurrent_dpcl(129, 4, 1, False, 0.0, 2, ["tanh"])
    )
    data = {"transforms": transforms, "stft_params": nussl.STFTParams(256, 64), "sample_rate": RATE}
    model.save(
        tmp_path / "model.pth", {"train_dataset": data, "trainer.state.epoch_history": {"loss": [np.float64(1)]}}
    )
    loaded, metadata = nussl.ml.SeparationModel.load(tmp_path / "model.pth")
    assert metadata["train_dataset"]["stft_params"] == nussl.STFTParams(256, 64)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], value)


def test_cache_of_nussl_is_not_among_the_types_that_load(nussl):
    allowed = torch.serialization.get_safe_globals()
    assert nussl.datasets.transforms.GetAudio in allowed and nussl.datasets.transforms.Cache not in allowed


@pytest.mark.parametrize(("absent", "advice"), [("nussl", "--no-deps nussl==1.1.9"), ("ignite", "pytorch-ignite")])
def test_a_missing_nussl_is_told_in_one_line(monkeypatch, absent, advice):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if name != absent else None)
    with pytest.raises(ImportError, match=f"pip install.*{advice}") as error:
        repro.audio.nussl.import_nussl.__wrapped__()
    assert "\n" not in str(error.value)


def test_an_optional_library_of_nussl_is_missed_only_when_used():
    absent = repro.audio.nussl._Later("no_such_library")
    assert absent.__doc__ is None
    with pytest.raises(AttributeError, match="needs 'no_such_library', which cannot be imported"):
        _ = absent.something
    assert repro.audio.nussl._Later("json").dumps([1]) == "[1]"
