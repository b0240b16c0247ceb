using System.Globalization;
using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Services;
using Microsoft.Extensions.Configuration;

namespace Ddm.Serving;

/// <summary>What bounds a gateway: section <c>Ddm:Gateway</c>.</summary>
public sealed record ServingSettings
{
    /// <summary>The section.</summary>
    public const string Section = "Ddm:Gateway";

    private static readonly TimeSpan LeastGrace = TimeSpan.FromSeconds(2);

    /// <summary>Models to serve by name; empty: every published one.</summary>
    public IReadOnlyList<string> Models { get; init; } = [];

    /// <summary>Names that may stand in a request's Host and Origin besides this machine's own; empty: any, unless the gateway listens on loopback alone.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>What signed links begin with where a proxy stands in front; null: what the request was sent to.</summary>
    public Uri? PublicUrl { get; init; }

    /// <summary>Time between two looks at which version of a model is current.</summary>
    public TimeSpan PollEvery { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Bytes that the experts of a model may take in memory; those that do not fit are read when they are asked. Null: all are in memory.</summary>
    public long? ExpertBytes { get; init; }

    /// <summary>What the matrices of experts are kept as in memory.</summary>
    public WeightType ExpertWeights { get; init; }

    /// <summary>The least probability that the live experts must hold of a picture at t = 1; 1: a picture of which an expert is missing is not drawn.</summary>
    public double LiveMassFloor { get; init; } = Ensemble.DefaultLiveMassFloor;

    /// <summary>Pictures that are stepped at once.</summary>
    public int MaxBatch { get; init; } = 64;

    /// <summary>Requests that may wait in this process; more are answered 429.</summary>
    public int MaxWaiting { get; init; } = 128;

    /// <summary>Jobs that may wait in the store, over all replicas; more are answered 429.</summary>
    public int MaxJobs { get; init; } = 256;

    /// <summary>Jobs that one replica draws at once.</summary>
    public int JobsAtOnce { get; init; } = 16;

    /// <summary>Longest time a request may take, and what it has where it asks for none.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a finished job and its pictures are kept, and how long a link holds.</summary>
    public TimeSpan KeepJobs { get; init; } = TimeSpan.FromHours(1);

    /// <summary>A job whose replica has not been heard of for this long is drawn by another.</summary>
    public TimeSpan JobLease { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Solver steps at most.</summary>
    public int MaxSteps { get; init; } = 250;

    /// <summary>Pixels times network evaluations at most, over all pictures of a request.</summary>
    public long MaxPixelSteps { get; init; } = 2_000_000_000;

    /// <summary>Requests a minute that one key may make.</summary>
    public int RequestsPerMinute { get; init; } = 600;

    /// <summary>Pictures a day that one key may ask this replica for; 0: any number.</summary>
    public int PicturesPerDay { get; init; }

    /// <summary>How long a client may take over a request's headers.</summary>
    public TimeSpan HeadersTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>For how long a body may come more slowly than 240 bytes a second: at least two seconds, since the server looks once a second.</summary>
    public TimeSpan BodyGrace { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Whether the audit log says what was asked for in words.</summary>
    public bool LogPrompts { get; init; }

    /// <summary>Reads the section.</summary>
    /// <exception cref="UserErrorException">A value cannot be read or makes no sense; the message names the setting.</exception>
    public static ServingSettings From(IConfiguration configuration)
    {
        var (section, usual) = (configuration.GetSection(Section), new ServingSettings());
        return new ServingSettings
        {
            Models = [.. SettingList.Read(configuration, $"{Section}:{nameof(Models)}").Select(RunName.Require)],
            Hosts = SettingList.Read(configuration, $"{Section}:{nameof(Hosts)}"),
            PublicUrl = SettingValue.Address(section, nameof(PublicUrl), "https://pictures.example.com"),
            PollEvery = SettingValue.Duration(section, nameof(PollEvery), usual.PollEvery),
            ExpertBytes = section[nameof(ExpertBytes)] is { Length: > 0 } ? SettingValue.Number(section, nameof(ExpertBytes), 0, 1) : null,
            ExpertWeights = WeightTypes.Parse($"{Section}:{nameof(ExpertWeights)}", section[nameof(ExpertWeights)]),
            LiveMassFloor = Share(section, nameof(LiveMassFloor), usual.LiveMassFloor),
            MaxBatch = SettingValue.Count(section, nameof(MaxBatch), usual.MaxBatch, 1),
            MaxWaiting = SettingValue.Count(section, nameof(MaxWaiting), usual.MaxWaiting, 1),
            MaxJobs = SettingValue.Count(section, nameof(MaxJobs), usual.MaxJobs, 1),
            JobsAtOnce = SettingValue.Count(section, nameof(JobsAtOnce), usual.JobsAtOnce, 1),
            Deadline = SettingValue.Duration(section, nameof(Deadline), usual.Deadline),
            KeepJobs = SettingValue.Duration(section, nameof(KeepJobs), usual.KeepJobs),
            JobLease = SettingValue.Duration(section, nameof(JobLease), usual.JobLease),
            MaxSteps = SettingValue.Count(section, nameof(MaxSteps), usual.MaxSteps, 1),
            MaxPixelSteps = SettingValue.Number(section, nameof(MaxPixelSteps), usual.MaxPixelSteps, 1),
            RequestsPerMinute = SettingValue.Count(section, nameof(RequestsPerMinute), usual.RequestsPerMinute, 1),
            PicturesPerDay = SettingValue.Count(section, nameof(PicturesPerDay), usual.PicturesPerDay, 0),
            HeadersTimeout = SettingValue.Duration(section, nameof(HeadersTimeout), usual.HeadersTimeout),
            BodyGrace = SettingValue.Duration(section, nameof(BodyGrace), usual.BodyGrace) is var grace && grace >= LeastGrace ? grace
                : throw new UserErrorException($"{Section}:{nameof(BodyGrace)}: '{section[nameof(BodyGrace)]}' is too short; give 00:00:02 or more."),
            LogPrompts = section.GetValue(nameof(LogPrompts), usual.LogPrompts),
        };
    }

    private static double Share(IConfigurationSection section, string key, double usual)
        => section[key] is not { Length: > 0 } text ? usual
            : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var share) && share is >= 0 and <= 1 ? share
            : throw new UserErrorException($"{section.Path}:{key}: '{Printable.Text(text)}' is no number from 0 to 1.");
}
