using System.Text;

namespace Ddm.Data.Tests;

public sealed class NameListTests
{
    [Fact]
    public void NamesComeBackAndAreFoundAcrossBlocks()
    {
        var names = new NameList();
        var index = new NameIndex(names);
        var texts = Enumerable.Range(0, 3000).Select(i => $"{i}/" + new string((char)('a' + (i % 26)), i * 7919 % 4000)).ToList();
        foreach (var text in texts)
        {
            names.Add(Encoding.UTF8.GetBytes(text));
            Assert.Equal(-1, index.TryAdd(names.Count - 1));
        }

        Assert.Equal(texts, Enumerable.Range(0, names.Count).Select(i => Encoding.UTF8.GetString(names[i])));
        Assert.Equal(Enumerable.Range(0, 3000), texts.Select(text => index.Find(Encoding.UTF8.GetBytes(text))));
        Assert.Equal(-1, index.Find("never"u8));
        names.Add(Encoding.UTF8.GetBytes(texts[17]));
        Assert.Equal(17, index.TryAdd(3000));
    }
}
