using System.Text.Json.Serialization;

namespace Ddm.Runs;

/// <summary>Densities of t.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<TimeDensityKind>))]
public enum TimeDensityKind
{
    /// <summary>U(0, 1).</summary>
    Uniform,

    /// <summary>0.9 logit-normal + 0.1 uniform.</summary>
    LogitNormal,
}
