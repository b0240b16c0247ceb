using System.Globalization;
using Ddm.Runs;

namespace Ddm.Storage;

/// <summary>Tells the failures of a write that a person can mend (a full or read-only disk, no permission) from all others, with the remedy.</summary>
public static class WriteFault
{
    private const int PermissionDenied = 13, FileTooLarge = 27, NoSpace = 28, ReadOnly = 30, QuotaLinux = 122, QuotaMac = 69;
    private const int WindowsDiskFull = unchecked((int)0x80070070), WindowsHandleDiskFull = unchecked((int)0x80070027), WindowsProtected = unchecked((int)0x80070013);

    /// <summary>The same failure as an error for people; null where it is none of those.</summary>
    /// <param name="error">What was thrown.</param>
    /// <param name="home">The folder that was being written to.</param>
    /// <param name="path">The file that was not written.</param>
    /// <param name="option">The option that names the folder.</param>
    /// <param name="then">What the command does when it is run again.</param>
    public static UserErrorException? ForPeople(Exception error, string home, string path, string option = "--home DIR", string then = "it goes on from the last commit")
    {
        var what = error switch
        {
            UnauthorizedAccessException => Denied(error.InnerException?.HResult, option),
            IOException io => What(io.HResult, option),
            _ => null,
        };
        return what is null ? null : new UserErrorException(
            $"cannot write '{path}': {what.Value.Problem}{Free(home, what.Value.Problem)}. Nothing that was there is changed, and what was begun is removed. "
                + $"{what.Value.Remedy}, then run the same command again: {then}.",
            error) { MayPass = true };
    }

    private static (string Problem, string Remedy)? What(int code, string option) => code switch
    {
        NoSpace or WindowsDiskFull or WindowsHandleDiskFull => ("the disk is full", $"Free some space or choose a larger disk with {option}"),
        QuotaLinux or QuotaMac => ("the disk quota is used up", "Free some space or have the quota raised"),
        FileTooLarge => ("the file would be larger than this process may write (ulimit -f)", "Raise that limit"),
        ReadOnly or WindowsProtected => ("the file system is read-only", $"Remount it for writing or choose another folder with {option}"),
        _ => null,
    };

    private static (string Problem, string Remedy) Denied(int? code, string option) =>
        code is { } inner && inner != PermissionDenied && What(inner & 0xFFFF, option) is { } known
            ? known
            : ("permission denied", $"Give yourself write permission there or choose another folder with {option}");

    private static string Free(string home, string problem)
    {
        try
        {
            return problem.Contains("full", StringComparison.Ordinal)
                ? string.Create(CultureInfo.InvariantCulture, $" ({new DriveInfo(home).AvailableFreeSpace / 1e6:F1} MB free at {home})")
                : "";
        }
        catch (Exception e) when (e is IOException or ArgumentException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
