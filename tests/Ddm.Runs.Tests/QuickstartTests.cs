namespace Ddm.Runs.Tests;

public class QuickstartTests
{
    [Fact]
    public void TheQuickstartIsAValidSpec()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "DdmAspire.sln")))
        {
            root = root.Parent!;
        }

        var file = Path.Combine(root.FullName, "samples", "quickstart.yaml");
        var spec = RunSpecReader.Read(File.ReadAllText(file), file);

        Assert.Equal(4, spec.Partition.Experts);
        Assert.Equal(10, spec.Data.ClassNames.Count);
        Assert.True(Directory.Exists(Path.Combine(root.FullName, "samples", spec.Data.Source)));
    }
}
