using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Services;
using Microsoft.Extensions.Configuration;

namespace Ddm.Serving;

/// <summary>Which expert hosts a gateway asks: section <c>Ddm:ExpertHosts</c>.</summary>
internal sealed record FleetSettings
{
    /// <summary>The section.</summary>
    public const string Section = "Ddm:ExpertHosts";

    /// <summary>The hosts; none: every expert is in this process.</summary>
    public IReadOnlyList<Uri> Addresses { get; init; } = [];

    /// <summary>The key that the hosts ask for; null: none.</summary>
    public string? Key { get; init; }

    /// <summary>Experts that this process holds itself, by index.</summary>
    public IReadOnlyList<int> Local { get; init; } = [];

    /// <summary>What this process keeps experts as: hosts that keep them otherwise draw other pictures.</summary>
    public WeightType Weights { get; init; }

    /// <summary>Longest time of one call.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Time between two looks at whether a host is there.</summary>
    public TimeSpan ProbeEvery { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Reads the section.</summary>
    /// <exception cref="UserErrorException">A value cannot be read, or key and rows would cross a network in the open.</exception>
    public static FleetSettings From(IConfiguration configuration)
    {
        var (section, usual) = (configuration.GetSection(Section), new FleetSettings());
        var plain = section.GetValue("Plain", false);
        Uri[] addresses = [.. SettingList.Read(configuration, $"{Section}:{nameof(Addresses)}").Select(text => Address(text, plain))];
        return new FleetSettings
        {
            Addresses = addresses,
            Key = addresses.Length == 0 ? null
                : section[nameof(Key)] is { Length: > 0 } key ? key
                : (configuration[ApiSettings.KeyFileSetting] ?? ApiKeyFile.DefaultPath) is { } file ? ApiKeyFile.Read(file) : null,
            Local = [.. SettingList.Read(configuration, $"{Section}:{nameof(Local)}").SelectMany(text => text.Split(',')).Select(text => ExpertList.Index($"{Section}:{nameof(Local)}", text))],
            Weights = ServingSettings.From(configuration).ExpertWeights,
            Deadline = SettingValue.Duration(section, nameof(Deadline), usual.Deadline),
            ProbeEvery = SettingValue.Duration(section, nameof(ProbeEvery), usual.ProbeEvery),
        };
    }

    private static Uri Address(string text, bool plain)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https") || address.PathAndQuery != "/")
        {
            throw new UserErrorException($"{Section}:{nameof(Addresses)}: '{Printable.Text(text)}' is no address of an expert host. It looks like https://experts-0.example.com:5095.");
        }

        return address.Scheme == "https" || address.IsLoopback || plain ? address
            : throw new UserErrorException(
                $"{Section}:{nameof(Addresses)}: {Printable.Text(text)} would carry key and rows in the open. Use https, or set {Section}:Plain=true where the network itself is encrypted.");
    }
}
