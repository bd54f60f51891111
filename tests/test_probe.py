def test_x(trained):
    print(trained.folder, list(trained.folder.iterdir()))
    print(trained.run)
