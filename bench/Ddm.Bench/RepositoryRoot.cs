namespace Ddm.Bench;

/// <summary>The checkout that this program was built in.</summary>
internal static class RepositoryRoot
{
    public static string Find()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "DdmAspire.sln")))
            {
                return folder;
            }
        }

        throw new InvalidOperationException($"{AppContext.BaseDirectory} lies in no checkout: run bench/run.sh.");
    }
}
