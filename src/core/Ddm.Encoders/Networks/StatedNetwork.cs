using Ddm.Diffusion;
using Ddm.Runs;

namespace Ddm.Encoders;

/// <summary>
/// What a file of tensors cannot say about its network: stated by who gives the file, or by the <c>config.json</c> beside it. Nothing of it has a default; null: not stated.
/// </summary>
public sealed record StatedNetwork
{
    /// <summary>What it predicts.</summary>
    public Prediction? Prediction { get; init; }

    /// <summary>Which end of its time is data.</summary>
    public TimeDirection? Direction { get; init; }

    /// <summary>What time in [0, 1] is multiplied by.</summary>
    public double? TimeScale { get; init; }

    /// <summary>Its noise schedule.</summary>
    public ScheduleKind? Schedule { get; init; }

    /// <summary>Heads of its attention.</summary>
    public int? Heads { get; init; }

    /// <summary>Side of its input: pixels, or latents.</summary>
    public int? Side { get; init; }

    /// <summary>Places of a caption, its text encoder's.</summary>
    public int? TextPlaces { get; init; }

    /// <summary>Reads the name of a prediction.</summary>
    /// <exception cref="UserErrorException">It is none.</exception>
    public static Prediction ParsePrediction(string text) => text switch
    {
        "velocity" => Diffusion.Prediction.Velocity,
        "epsilon" => Diffusion.Prediction.Epsilon,
        _ => throw new UserErrorException($"prediction '{Printable.Text(text)}' is not known: say velocity or epsilon."),
    };

    /// <summary>Reads the name of a direction of time.</summary>
    /// <exception cref="UserErrorException">It is none.</exception>
    public static TimeDirection ParseDirection(string text) => text switch
    {
        "data-to-noise" => TimeDirection.DataToNoise,
        "noise-to-data" => TimeDirection.NoiseToData,
        _ => throw new UserErrorException($"time direction '{Printable.Text(text)}' is not known: say data-to-noise or noise-to-data, what lies at 0 first."),
    };

    /// <summary>Reads the name of a noise schedule.</summary>
    /// <exception cref="UserErrorException">It is none.</exception>
    public static ScheduleKind ParseSchedule(string text) => text switch
    {
        "linear" => ScheduleKind.Linear,
        "cosine" => ScheduleKind.Cosine,
        _ => throw new UserErrorException($"noise schedule '{Printable.Text(text)}' is not known: say linear or cosine."),
    };

    /// <summary>What a <c>config.json</c> states.</summary>
    /// <exception cref="UserErrorException">An entry is of another type, or a word that is not known.</exception>
    internal static StatedNetwork Of(WeightFile file) => new()
    {
        Prediction = file.Text("prediction") is { } prediction ? ParsePrediction(prediction) : null,
        Direction = file.Text("time.direction") is { } direction ? ParseDirection(direction) : null,
        TimeScale = file.Number("time.scale"),
        Schedule = file.Text("schedule") is { } schedule ? ParseSchedule(schedule) : null,
        Heads = file.Integer("num_heads"),
        Side = file.Integer("input_size"),
        TextPlaces = file.Integer("text_tokens"),
    };

    /// <summary>With what Paris' configs say by their type: its networks predict velocities as ours do, unless another prediction is stated.</summary>
    internal StatedNetwork OrParis(WeightFile file) => Prediction == Diffusion.Prediction.Epsilon || file.Text("model_type") is not ("dit_expert" or "router") ? this
        : Or(new StatedNetwork { Prediction = Diffusion.Prediction.Velocity, Direction = TimeDirection.DataToNoise, TimeScale = Diffusion.Parametrization.Own.TimeScale });

    /// <summary>These words, and another's where these are silent.</summary>
    internal StatedNetwork Or(StatedNetwork other) => new()
    {
        Prediction = Prediction ?? other.Prediction,
        Direction = Direction ?? other.Direction,
        TimeScale = TimeScale ?? other.TimeScale,
        Schedule = Schedule ?? other.Schedule,
        Heads = Heads ?? other.Heads,
        Side = Side ?? other.Side,
        TextPlaces = TextPlaces ?? other.TextPlaces,
    };

    /// <summary>What its output means.</summary>
    /// <param name="file">Whose network it is, for messages.</param>
    /// <exception cref="UserErrorException">Something is not stated, or contradicts the rest.</exception>
    internal Parametrization Parametrization(string file)
    {
        var missing = Missing().ToArray();
        if (missing.Length > 0)
        {
            throw new UserErrorException($"{file}: tensors do not say what a network's output means. State {string.Join(", ", missing)}, or write it in the config.json beside the file "
                + "(prediction, time: { direction, scale }, schedule). Usual are, for DiT: --prediction epsilon --schedule linear; for SiT: --prediction velocity --time-direction noise-to-data "
                + "--time-scale 1; for DdmAspire's own networks and Paris': --prediction velocity --time-direction data-to-noise --time-scale 1000.");
        }

        var words = Prediction == Diffusion.Prediction.Velocity
            ? new Parametrization(Diffusion.Prediction.Velocity, Direction!.Value, TimeScale!.Value, Schedule)
            : new Parametrization(Diffusion.Prediction.Epsilon, Direction ?? TimeDirection.DataToNoise, TimeScale ?? 1, Schedule);
        try
        {
            return words.Validated();
        }
        catch (UserErrorException error)
        {
            throw new UserErrorException($"{file}: {error.Message}", error);
        }
    }

    /// <summary>What time in [0, 1] is multiplied by for a router, whose time must run as ours does.</summary>
    /// <param name="file">Whose network it is, for messages.</param>
    /// <exception cref="UserErrorException">It is not stated, or runs the other way.</exception>
    internal double RouterTimeScale(string file) => (Direction, TimeScale) switch
    {
        (null, _) or (_, null) => throw new UserErrorException($"{file}: tensors do not say what time a router is fed. Write time: {{ direction: data-to-noise, scale }} in the config.json beside it (scale 1000 for DdmAspire's and Paris')."),
        (TimeDirection.NoiseToData, _) => throw new UserErrorException($"{file}: a router whose time runs from noise to data is not read; give one whose time runs from data to noise."),
        (_, { } scale) => scale,
    };

    private IEnumerable<string> Missing()
    {
        if (Prediction is null)
        {
            yield return "--prediction velocity|epsilon";
        }

        if (Prediction != Diffusion.Prediction.Epsilon && Direction is null)
        {
            yield return "--time-direction data-to-noise|noise-to-data" + (Prediction is null ? " (of a velocity)" : "");
        }

        if (Prediction != Diffusion.Prediction.Epsilon && TimeScale is null)
        {
            yield return "--time-scale 1|1000" + (Prediction is null ? " (of a velocity)" : "");
        }

        if (Prediction != Diffusion.Prediction.Velocity && Schedule is null)
        {
            yield return "--schedule linear|cosine" + (Prediction is null ? " (of epsilon)" : "");
        }
    }
}
