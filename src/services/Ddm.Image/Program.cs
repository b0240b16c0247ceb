// What the image does when nobody says which service it should be.
string[] services = [.. Directory.EnumerateFiles(AppContext.BaseDirectory, "Ddm.*.runtimeconfig.json").Select(file => Path.GetFileName(file).Split(".runtimeconfig")[0]).Where(name => name != "Ddm.Image").Order()];
await Console.Error.WriteLineAsync($"Say which service to run: dotnet /app/SERVICE.dll, of {string.Join(", ", services)}. Their settings: docs/operations.md.");
return 2;
