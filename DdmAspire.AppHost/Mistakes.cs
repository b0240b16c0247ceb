using Ddm.Runs;

namespace DdmAspire.AppHost;

/// <summary>What is wrong in the configuration is said in one sentence; then the program ends with code 2.</summary>
internal static class Mistakes
{
    /// <summary>Reads settings, or ends.</summary>
    public static T End<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (UserErrorException e)
        {
            Console.Error.WriteLine(e.Message);
            Environment.Exit(2);
            throw;
        }
    }
}
