namespace Ddm.Bench;

/// <summary>One of the things compared.</summary>
/// <param name="Name">What the table calls it.</param>
/// <param name="Round">Does one round of the work and returns its seconds.</param>
internal sealed record Side(string Name, Func<double> Round);
