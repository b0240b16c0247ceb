namespace Ddm.Training;

/// <summary>A step whose loss or gradient is not finite, twice from the same state. Weights, average and moments are those before it.</summary>
public sealed class NonFiniteStepException : Exception
{
    private const int RowsShown = 8;

    /// <summary>The failure of one step.</summary>
    /// <param name="role">Path of the role.</param>
    /// <param name="step">Updates made before it.</param>
    /// <param name="rows">The data set's rows whose own loss is not finite; empty when only the gradient is.</param>
    /// <param name="what">What was computed.</param>
    public NonFiniteStepException(string role, long step, IReadOnlyList<long> rows, string what)
        : base($"{role}: step {step} gave {what} twice. {Describe(rows)} The weights are still those of step {step}: "
            + "look at these images, or lower the learning rate, and resume.")
    {
        Step = step;
        Rows = rows;
    }

    /// <summary>Updates made before the failed one.</summary>
    public long Step { get; }

    /// <summary>The data set's rows whose own loss is not finite.</summary>
    public IReadOnlyList<long> Rows { get; }

    private static string Describe(IReadOnlyList<long> rows)
    {
        if (rows.Count == 0)
        {
            return "Every row's own loss is finite; the gradient is not.";
        }

        var shown = string.Join(", ", rows.Take(RowsShown));
        var more = rows.Count > RowsShown ? $" and {rows.Count - RowsShown} more" : "";
        return $"Rows of the data set without a finite loss: {shown}{more}.";
    }
}
