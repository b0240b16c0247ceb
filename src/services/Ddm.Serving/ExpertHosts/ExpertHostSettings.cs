using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Services;
using Microsoft.Extensions.Configuration;

namespace Ddm.Serving;

/// <summary>What an expert host holds, and where it answers: section <c>Ddm:ExpertHost</c>.</summary>
internal sealed record ExpertHostSettings
{
    /// <summary>The section.</summary>
    public const string Section = "Ddm:ExpertHost";

    private const string UsualListen = "http://127.0.0.1:5095";

    /// <summary>The model.</summary>
    public required string Model { get; init; }

    /// <summary>Which of its experts.</summary>
    public ExpertList Experts { get; init; } = ExpertList.All;

    /// <summary>Bytes that they may take in memory; those that do not fit are read when they are asked. Null: any number.</summary>
    public long? ExpertBytes { get; init; }

    /// <summary>What their matrices are kept as in memory.</summary>
    public WeightType ExpertWeights { get; init; }

    /// <summary>Where questions are answered; the health pages are where <c>urls</c> says.</summary>
    public Uri Listen { get; init; } = new(UsualListen);

    /// <summary>Time between two looks at which version of the model is current.</summary>
    public TimeSpan PollEvery { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long the version before the current one is kept after it was last asked.</summary>
    public TimeSpan KeepPrevious { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Questions that may wait; more are sent away.</summary>
    public int MaxWaiting { get; init; } = 64;

    /// <summary>Reads the section.</summary>
    /// <exception cref="UserErrorException">A value cannot be read, no model is named, or key and rows would cross a network in the open.</exception>
    public static ExpertHostSettings From(IConfiguration configuration)
    {
        var section = configuration.GetSection(Section);
        var usual = new ExpertHostSettings { Model = "" };
        return new ExpertHostSettings
        {
            Model = section[nameof(Model)] is { Length: > 0 } model ? RunName.Require(model)
                : throw new UserErrorException($"{Section}:{nameof(Model)} is not set: name the published model whose experts this host is to hold."),
            Experts = ExpertList.Read($"{Section}:{nameof(Experts)}", section[nameof(Experts)]),
            ExpertBytes = section[nameof(ExpertBytes)] is { Length: > 0 } ? SettingValue.Number(section, nameof(ExpertBytes), 0, 1) : null,
            ExpertWeights = WeightTypes.Parse($"{Section}:{nameof(ExpertWeights)}", section[nameof(ExpertWeights)]),
            Listen = Address(section),
            PollEvery = SettingValue.Duration(section, nameof(PollEvery), usual.PollEvery),
            KeepPrevious = SettingValue.Duration(section, nameof(KeepPrevious), usual.KeepPrevious),
            MaxWaiting = SettingValue.Count(section, nameof(MaxWaiting), usual.MaxWaiting, 1),
        };
    }

    private static Uri Address(IConfigurationSection section)
    {
        var text = section[nameof(Listen)] is { Length: > 0 } own ? own : UsualListen;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https") || address.PathAndQuery != "/")
        {
            throw new UserErrorException($"{section.Path}:{nameof(Listen)}: '{Printable.Text(text)}' is no address. It looks like {UsualListen}.");
        }

        return address.Scheme == "https" || address.IsLoopback || section.GetValue("Plain", false) ? address
            : throw new UserErrorException(
                $"{section.Path}:{nameof(Listen)}: {Printable.Text(text)} would carry key and rows in the open. Use https with a certificate (Kestrel:Certificates:Default), or set {section.Path}:Plain=true where the network itself is encrypted.");
    }
}
