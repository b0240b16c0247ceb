using Ddm.Runs;

namespace Ddm.Data;

/// <summary>Refuses documents of newer versions: what they mean cannot be guessed.</summary>
internal static class SchemaCheck
{
    /// <exception cref="UserErrorException">A newer version wrote the blob.</exception>
    public static void Require(string name, int schema, int newest)
    {
        if (schema > newest)
        {
            throw new UserErrorException($"{name} has schema {schema}, this version reads up to {newest}: upgrade before you go on with the run.");
        }
    }
}
