[assembly: AssemblyFixture(typeof(Ddm.Infrastructure.Tests.Deployment))]
