using System.Text.Json.Serialization;

namespace Ddm.Runs;

/// <summary>Solvers of the flow's differential equation.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Solver>))]
public enum Solver
{
    /// <summary>First order, one evaluation a step.</summary>
    Euler,

    /// <summary>Second order, two evaluations a step.</summary>
    Heun,
}
