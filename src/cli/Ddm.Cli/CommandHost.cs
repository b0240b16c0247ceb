using System.CommandLine;
using System.Text.RegularExpressions;
using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Training;

namespace Ddm.Cli;

/// <summary>Exit codes and errors, the same for every command.</summary>
internal static partial class CommandHost
{
    /// <summary>All went well.</summary>
    public const int Success = 0;

    /// <summary>The work failed.</summary>
    public const int Failure = 1;

    /// <summary>A person has to mend it: a wrong word, file or value, a damaged or foreign blob, a full disk.</summary>
    public const int UserError = 2;

    /// <summary>Stopped by a signal, as shells count it (128 + SIGINT).</summary>
    public const int Interrupted = 130;

    /// <summary>Parses and runs; a user's mistake is its message and exit code 2, never a stack trace.</summary>
    public static async Task<int> InvokeAsync(RootCommand root, string[] args)
    {
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
            {
                await Console.Error.WriteLineAsync("ddm: " + TypeName().Replace(error.Message, ""));
            }

            await Console.Error.WriteLineAsync("Try 'ddm --help'.");
            return UserError;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (UserErrorException e)
        {
            await Console.Error.WriteLineAsync("ddm: " + e.Message);
            return UserError;
        }
        catch (Exception e) when (e is CheckpointException or InvalidDataException or NumericsMismatchException or EnsembleDegradedException)
        {
            // A damaged, foreign or newer blob, or experts that are missing: the message names it and the remedy.
            await Console.Error.WriteLineAsync("ddm: " + e.Message);
            return UserError;
        }
        catch (OperationCanceledException)
        {
            await Console.Error.WriteLineAsync("ddm: stopped.");
            return Interrupted;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync("ddm: " + e.Message);
            return Failure;
        }
    }

    // The parser speaks of System.Nullable`1[System.Int32]; the option's description says it better.
    [GeneratedRegex(" as expected type '[^']*'")]
    private static partial Regex TypeName();
}
