using System.Text.Json.Serialization;

namespace Ddm.Runs;

/// <summary>Learning-rate decays.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<LearningRateDecay>))]
public enum LearningRateDecay
{
    /// <summary>None.</summary>
    Constant,

    /// <summary>Half a cosine.</summary>
    Cosine,

    /// <summary>A straight line.</summary>
    Linear,
}
