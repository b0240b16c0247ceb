using System.Globalization;
using Ddm.Runs;

namespace Ddm.Data;

/// <summary>What is wrong with the lines of a file: the first 20 by number and reason, the others counted.</summary>
internal sealed class LineErrors(string path)
{
    private const int Listed = 20;

    private readonly List<string> first = [];
    private long count;

    /// <summary>Notes a wrong line.</summary>
    /// <param name="line">From 1.</param>
    /// <param name="problem">What is wrong with it.</param>
    public void Add(long line, string problem)
    {
        if (count++ < Listed)
        {
            first.Add(string.Create(CultureInfo.InvariantCulture, $"  {Path.GetFileName(path)}:{line}: {problem}"));
        }
    }

    /// <summary>Ends the reading when a line was wrong.</summary>
    /// <exception cref="UserErrorException">All that was noted.</exception>
    public void ThrowIfAny()
    {
        if (count == 0)
        {
            return;
        }

        var more = count > Listed ? string.Create(CultureInfo.InvariantCulture, $"{Environment.NewLine}  and {count - Listed} more") : "";
        throw new UserErrorException(string.Create(CultureInfo.InvariantCulture,
            $"'{path}' has {(count == 1 ? "a wrong line" : $"{count} wrong lines")}; nothing was taken in. Mend or delete what is listed here:") +
            Environment.NewLine + string.Join(Environment.NewLine, first) + more);
    }
}
