using System.CommandLine;
using Ddm.Runs;

namespace Ddm.Cli;

/// <summary>The spec a command is about.</summary>
internal static class SpecFile
{
    public static Argument<string> Argument() => new("SPEC") { Description = "Run spec (YAML)" };

    /// <exception cref="UserErrorException">It cannot be read.</exception>
    public static async Task<string> ReadAsync(string file, CancellationToken cancellationToken)
    {
        try
        {
            return await File.ReadAllTextAsync(file, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException(
                $"cannot read the spec '{file}': {e.Message} Give the path of a YAML file, for instance samples/quickstart.yaml; 'ddm init FOLDER' writes one.", e);
        }
    }
}
